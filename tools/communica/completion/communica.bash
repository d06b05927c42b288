# Completion of communica(1) for bash.

_communica_addresses() {
  communica ls --json --connect-timeout 0.5 2>/dev/null | sed -nE 's/^    "name": "(.*)",$/local:\1/; s/^local:shm:/shm:/; /^(local|shm):/p'
}

_communica_routes() {
  communica describe --json --connect-timeout 0.5 "$1" 2>/dev/null | sed -nE 's/^      "route": "(.*)",?$/\1/p'
}

_communica() {
  local word=${COMP_WORDS[COMP_CWORD]} line i
  # bash makes words of `local:name` at its colon: what stands between blanks is what the program gets.
  read -ra line <<<"${COMP_LINE:0:COMP_POINT}"
  [[ ${COMP_LINE:0:COMP_POINT} == *' ' ]] && line+=('')
  local current=${line[-1]} command=${line[1]-} places=()
  for ((i = 2; i < ${#line[@]} - 1; i++)); do
    case ${line[i]} in
      --json | --insecure | --msgpack | --reopen | --lines | --raw | --once) ;;
      --*) ((i++)) ;;
      *) places+=("${line[i]}") ;;
    esac
  done

  local all='--json --connect-timeout --key-file --ca-file --cert --cert-key --server-name --insecure --directory --client-id --help'
  local asking='--format --msgpack --header' candidates=''
  if ((${#line[@]} <= 2)); then
    candidates='ls describe top call notify watch bench serve tap replay contract --help --version'
  elif [[ $current == --* ]]; then
    case $command in
      top) candidates="$all --interval --once" ;;
      call) candidates="$all $asking --timeout --repeat" ;;
      notify) candidates="$all $asking --timeout --repeat" ;;
      watch) candidates="$all $asking --count --reopen" ;;
      bench) candidates="$all --depth --size --time --raw" ;;
      serve) candidates="$all --exec --lines --jobs --name" ;;
      tap) candidates="$all --record --width" ;;
      replay) candidates="$all --speed" ;;
      *) candidates=$all ;;
    esac
  else
    case ${line[-2]}:$command:${#places[@]} in
      --format:*) candidates='json msgpack cbor' ;;
      --key-file:* | --ca-file:* | --cert:* | --cert-key:* | --record:*)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return ;;
      *:describe:0 | *:top:0 | *:call:0 | *:notify:0 | *:watch:0 | *:bench:0 | *:serve:0 | *:tap:[01] | *:replay:1)
        candidates="$(_communica_addresses) shm: tcp: tls: amqp:// amqps://" ;;
      *:call:1 | *:notify:1 | *:watch:1 | *:bench:1) candidates=$(_communica_routes "${places[0]}") ;;
      *:contract:0) candidates='check save' ;;
      *:contract:*)
        if [[ ${places[0]} == save ]]; then
          candidates="$(_communica_addresses) shm: tcp: tls: amqp:// amqps://"
        else
          mapfile -t COMPREPLY < <(compgen -f -- "$current")
          return
        fi ;;
      *:replay:0)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
  # As bash replaces the last of its own words alone, what stands before the last colon is left out.
  if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local before=${current%"${current##*:}"}
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
  fi
  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *: ]] && compopt -o nospace
  : "$word"
}

complete -F _communica communica
