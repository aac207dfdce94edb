/** Shells that can be given a completion script. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
/** A shell that can be given a completion script. */
export type Shell = (typeof SHELLS)[number];

/** The script for a shell: it asks `filare-agents __complete WORDS…` at each Tab, so that it never grows old. */
export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# filare-agents completion for bash
_filare_agents() {
  local IFS=$'\\n' cur="\${COMP_WORDS[COMP_CWORD]}" line
  COMPREPLY=()
  while read -r line; do
    [[ "$line" == "$cur"* ]] && COMPREPLY+=("$line")
  done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)
  if [ "\${#COMPREPLY[@]}" -eq 0 ]; then compopt -o default 2>/dev/null || true; fi
  return 0
}
complete -F _filare_agents filare-agents
`,
  zsh: `#compdef filare-agents
# filare-agents completion for zsh
_filare_agents() {
  local -a found
  local value about
  while IFS=$'\\t' read -r value about; do
    found+=("\${value//:/\\\\:}:\${about}")
  done < <("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then _describe 'filare-agents' found; else _files; fi
}
if [ "\${funcstack[1]}" = "_filare_agents" ]; then _filare_agents "$@"; else compdef _filare_agents filare-agents; fi
`,
  fish: `# filare-agents completion for fish
function __filare_agents_complete
  set -l words (commandline -opc) (commandline -ct)
  $words[1] __complete $words[2..-1] 2>/dev/null
end
complete -c filare-agents -a '(__filare_agents_complete)'
`,
};
