/** What every command says of a map that it takes. */
export const MAP_HELP = 'map file, or the name of a map that comes with the program';
