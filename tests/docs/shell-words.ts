/** The commands `filare-agents …` of a line of shell, each as its words, up to the end of that command. */
export function commandsIn(line: string): string[][] {
  return Array.from(line.matchAll(/(?<![\w/.@-])filare-agents(?=\s)/g), (found) =>
    wordsOf(line.slice(found.index + found[0].length)),
  );
}

/** The words of one command as a shell splits them; it ends at an operator, a redirection, a comment, or the bracket that encloses it. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === "'" || char === '"') {
      const end = text.indexOf(char, at + 1);
      if (end === -1) throw new Error(`a quote is not closed in: ${text}`);
      word = (word ?? '') + text.slice(at + 1, end);
      at = end;
    } else if (/[|&;<>()]/.test(char) || (char === '#' && word === undefined)) break;
    else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  return word === undefined ? words : [...words, word];
}
