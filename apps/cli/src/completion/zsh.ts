// core: pure
import { optionsWith, pathsOf, type Verb, type Word } from "./vocabulary.ts";

/** A script that teaches zsh the words of a program, and what they mean. */
export function zshCompletion(name: string, [shared, ...verbs]: readonly [Verb, ...Verb[]]): string {
  const list = (words: readonly Word[]): string => `(${words.map(described).join(" ")})`;
  return `#compdef ${name}
# source <(${name} completion zsh)
_${name}() {
  local verb= word
  local -a here options
  for word in \${words[2,CURRENT-1]}; do
    case "\${verb:+$verb }$word" in
      (${pathsOf(verbs).map(quoted).join("|")}) verb="\${verb:+$verb }$word" ;;
    esac
  done
  case \${words[CURRENT-1]} in
    (${optionsWith([shared, ...verbs], "file").join("|")}) _files; return ;;
    (${optionsWith([shared, ...verbs], "text").join("|")}) return ;;
  esac
  case $verb in
    ('') here=${list(shared.words)} ;;
${verbs
  .filter(({ words, options }) => words.length + options.length > 0)
  .map((verb) => `    (${quoted(verb.path)}) here=${list(verb.words)} options=${list(verb.options)} ;;`)
  .join("\n")}
  esac
  options+=${list(shared.options)}
  case \${words[CURRENT]} in
    (-*) _describe -o option options ;;
    (*) _describe word here ;;
  esac
}
compdef _${name} ${name}
`;
}

function described({ text, meaning }: Word): string {
  return quoted(`${text}:${meaning.replaceAll(":", "\\:")}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
