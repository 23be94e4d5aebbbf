/** What the demo uses of asciichart 1.5, which comes without types. */
declare module 'asciichart' {
  export interface PlotConfig {
    readonly height?: number;
    readonly colors?: readonly string[];
    readonly format?: (value: number) => string;
  }
  const asciichart: {
    plot(series: readonly (readonly number[])[], config?: PlotConfig): string;
    readonly red: string;
    readonly yellow: string;
    readonly green: string;
    readonly reset: string;
  };
  // The package has no other export.
  // eslint-disable-next-line no-restricted-syntax
  export default asciichart;
}
