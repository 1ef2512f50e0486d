# Completes the command lines of tensorfile in fish. The words come from `tensorfile __complete`, each followed by a NUL.
# They can be names from a file, so they are printed and never evaluated. Fish reads one candidate from each line, up to a
# tab, and so cannot offer names with these characters.

function __tensorfile_complete
    set -l typed (commandline -opc)
    set -e typed[1]
    set -a typed "$(commandline -ct | string unescape)"
    for word in (tensorfile __complete $typed 2>/dev/null | string split0)
        string match -qr '[\n\t]' -- $word; or printf '%s\n' $word
    end
end

complete -c tensorfile -n 'count (__tensorfile_complete) >/dev/null' -f -a '(__tensorfile_complete)'
