# Completes the command lines of tensorfile in bash. The words come from `tensorfile __complete`, each followed by a NUL.
# They can be names from a file, so they are quoted and never evaluated.

_tensorfile()
{
    local -a words=()
    local i word reply quoted
    # Bash divides words at : and =; these are joined again.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 1)) && [[ $word == [:=]* || ${COMP_WORDS[i-1]} == *[:=] ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
    done
    local current=${words[-1]}
    # Bash replaces only what follows the last of these characters.
    local kept=
    [[ $current == *[:=]* ]] && kept=${current%"${current##*[:=]}"}
    # What was typed with backslashes or quotes is compared without them.
    words=("${words[@]//[\\\'\"]/}")
    words=("${words[@]/#\~\//$HOME/}")
    COMPREPLY=()
    while IFS= read -r -d '' reply; do
        printf -v quoted %q "$reply"
        COMPREPLY+=("${quoted#"$kept"}")
        [[ $reply == *= ]] && compopt -o nospace
    done < <(tensorfile __complete "${words[@]}" 2>/dev/null)
}

complete -o default -F _tensorfile tensorfile
