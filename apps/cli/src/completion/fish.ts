// core: pure
import { type OptionWord, pathsOf, type Verb } from "./vocabulary.ts";

const valueFlags: Readonly<Record<OptionWord["value"], string>> = {
  nothing: "",
  file: " --require-parameter --force-files",
  text: " --exclusive",
};

/** A script that teaches fish the words of a program, and what they mean. */
export function fishCompletion(name: string, [shared, ...verbs]: readonly [Verb, ...Verb[]]): string {
  const add = `complete --command ${name}`;
  const lines = [shared, ...verbs].flatMap(({ path, words, options }) => {
    const here = ` --condition ${quoted(`test (__${name}_verb) = "${path}"`)}`;
    return [
      ...words.map(
        ({ text, meaning }) => `${add}${here} --arguments ${text} --description ${quoted(meaning)}`,
      ),
      ...options.map(
        ({ text, meaning, value }) =>
          `${add}${path === "" ? "" : here} --long-option ${text.replace(/^--/, "")}${valueFlags[value]} --description ${quoted(meaning)}`,
      ),
    ];
  });
  return `# ${name} completion fish | source
function __${name}_verb
  set --local verb ''
  for word in (commandline --tokenize --cut-at-cursor --current-process)[2..]
    set --local longer (string trim "$verb $word")
    contains -- "$longer" ${pathsOf(verbs).map(quoted).join(" ")}; and set verb $longer
  end
  echo "$verb"
end
complete --command ${name} --no-files
${lines.join("\n")}
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
