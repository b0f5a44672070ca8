import { Argument, type Command } from "commander";
import { type CommandLine, examples } from "../command-line.ts";
import { bashCompletion } from "../completion/bash.ts";
import { fishCompletion } from "../completion/fish.ts";
import { vocabularyOf } from "../completion/vocabulary.ts";
import { zshCompletion } from "../completion/zsh.ts";

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export function addCompletion(program: Command, _line: CommandLine): void {
  program
    .command("completion")
    .description("a script that lets a shell complete verbs and options")
    .addArgument(new Argument("<shell>").choices(Object.keys(shells)))
    .addHelpText(
      "after",
      examples(
        "source <(ringrift completion bash)   in ~/.bashrc",
        "source <(ringrift completion zsh)    in ~/.zshrc, after compinit",
        "ringrift completion fish | source    in ~/.config/fish/config.fish",
      ),
    )
    .action((shell: keyof typeof shells) => {
      process.stdout.write(shells[shell](program.name(), vocabularyOf(program)));
    });
}
