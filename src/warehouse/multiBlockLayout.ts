/**
 * A site in metres: blocks of one-way aisles, alternately south and north, between two-way cross-aisles;
 * north-south roads with a track each way beside and between the block columns; a main road with a track
 * each way along the south side, and there a bay for each station, beside the road so that others pass.
 */
export interface MultiBlockLayout {
  readonly blockRows: number;
  readonly blockColumns: number;
  readonly aislesPerBlock: number;
  readonly facesPerAisle: number;
  /** Of each block's aisles, the last so many are narrow: slower, and barred to haulers. An even number keeps both directions. */
  readonly narrowAislesPerBlock: number;
  readonly stationsPerBlockColumn: number;
  readonly aislePitchMetres: number;
  readonly aisleSpeed: number;
  readonly narrowAisleSpeed: number;
  readonly crossAisleSpeed: number;
  readonly roadSpeed: number;
  readonly baySpeed: number;
  readonly pickHandlingSeconds: number;
  readonly stationHandlingSeconds: number;
}
