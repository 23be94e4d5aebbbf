import { Help, type Command, type HelpConfiguration } from 'commander';

/** How all commands describe their options: which they must have, and no default that is nothing. */
export const helpStyle: HelpConfiguration = {
  optionDescription(option) {
    const text = Help.prototype.optionDescription
      .call(new Help(), option)
      .replace(/(?:, )?default: (?:""|\[\]|\{\})/, '')
      .replace(' (, ', ' (')
      .replace(/ \(\)$/, '');
    return option.mandatory ? `${text} (required)` : text;
  },
};

/** Makes each command answer wrong use with the place of its own help, and help for a part that it has not with that. */
export function pointToOwnHelp(command: Command, called = command.name()): void {
  command.on('beforeHelp', () => {
    const [word = ''] = command.args;
    const isOption = word === '' || word.startsWith('-');
    if (command.commands.length === 0 || isOption || command.commands.some((part) => part.name() === word))
      return;
    command.error(`error: unknown command '${word}'`);
  });
  command.showHelpAfterError(`(${called} --help shows how it is used)`);
  for (const part of command.commands) pointToOwnHelp(part, `${called} ${part.name()}`);
}

/** `help`, which takes the words of a command however many they are, and says which it does not know. */
export function addHelpCommand(program: Command): void {
  program
    .helpCommand(false)
    .command('help')
    .description('options and examples of one command')
    .argument('[command...]', 'its words')
    .action((words: string[]) => {
      let command = program;
      for (const word of words) {
        command =
          command.commands.find((part) => part.name() === word) ??
          program.error(`error: unknown command '${words.join(' ')}'`);
      }
      command.help();
    });
}
