// core: pure
import { optionsWith, pathsOf, type Verb, type Word } from "./vocabulary.ts";

/** A script that teaches bash the words of a program. */
export function bashCompletion(name: string, [shared, ...verbs]: readonly [Verb, ...Verb[]]): string {
  const list = (words: readonly Word[]): string => `'${words.map(({ text }) => text).join(" ")}'`;
  return `# source <(${name} completion bash)
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} verb= words= options= index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "\${verb:+$verb }\${COMP_WORDS[index]}" in
      ${pathsOf(verbs).map(quoted).join("|")}) verb="\${verb:+$verb }\${COMP_WORDS[index]}" ;;
    esac
  done
  COMPREPLY=()
  case $before in
    ${optionsWith([shared, ...verbs], "file").join("|")}) compopt -o default; return ;;
    ${optionsWith([shared, ...verbs], "text").join("|")}) return ;;
  esac
  case $verb in
    '') words=${list(shared.words)} ;;
${verbs
  .filter(({ words, options }) => words.length + options.length > 0)
  .map((verb) => `    ${quoted(verb.path)}) words=${list(verb.words)} options=${list(verb.options)} ;;`)
  .join("\n")}
  esac
  case $current in
    -*) COMPREPLY=($(compgen -W "$options "${list(shared.options)} -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
complete -F _${name} ${name}
`;
}

function quoted(text: string): string {
  return `'${text}'`;
}
