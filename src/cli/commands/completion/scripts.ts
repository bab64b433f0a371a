/**
 * What each shell needs in order to ask us. All the knowledge is in `draftstate __complete`: the words up to the cursor go in,
 * lines of `candidate<tab>description` come out, or `:files` or `:directories` where the shell knows better.
 */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** Splits the line itself: bash takes `:` and `=` for ends of words, and replaces only what stands behind the last one. */
const BASH = `# draftstate completion for bash
_draftstate() {
  local line="\${COMP_LINE:0:COMP_POINT}" candidate current before
  local -a typed
  read -ra typed <<< "$line"
  [[ "$line" == *[[:space:]] ]] && typed+=("")
  current="\${typed[\${#typed[@]}-1]}"
  before="\${current%"\${current##*[:=]}"}"
  COMPREPLY=()
  compopt -o nosort 2>/dev/null
  while IFS= read -r candidate; do
    case "$candidate" in
      :files) compopt -o default 2>/dev/null; return ;;
      :directories) compopt -o dirnames 2>/dev/null; return ;;
      *) candidate="\${candidate%%$'\\t'*}"; COMPREPLY+=("\${candidate#"$before"}") ;;
    esac
  done < <("$1" __complete -- "\${typed[@]:1}" 2>/dev/null)
}
complete -F _draftstate draftstate
`;

const ZSH = `#compdef draftstate
# draftstate completion for zsh
_draftstate() {
  local line
  local -a candidates
  for line in "\${(@f)$("$words[1]" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case "$line" in
      :files) _files; return ;;
      :directories) _files -/; return ;;
      '') ;;
      *) candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( \${#candidates} )) && _describe -V 'draftstate' candidates
}
if [[ "\${funcstack[1]}" == _draftstate ]]; then
  _draftstate "$@"
else
  (( \${+functions[compdef]} )) || { autoload -Uz compinit && compinit }
  compdef _draftstate draftstate
fi
`;

const FISH = `# draftstate completion for fish
function __draftstate_complete
  set -l typed (commandline -opc)
  set -l current (commandline -ct)
  set -l program $typed[1]
  set -e typed[1]
  for line in (command $program __complete -- $typed "$current" 2>/dev/null)
    switch $line
      case ':files'
        __fish_complete_path $current
      case ':directories'
        __fish_complete_directories $current
      case '*'
        echo $line
    end
  end
end
complete -c draftstate -f -k -a '(__draftstate_complete)'
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

/** How to install it in each shell. */
export const INSTALLATION: Readonly<Record<Shell, string>> = {
  bash: "add to ~/.bashrc: source <(draftstate completion bash)",
  zsh: "add to ~/.zshrc: source <(draftstate completion zsh)",
  fish: "run: draftstate completion fish > ~/.config/fish/completions/draftstate.fish",
};
