# Answers calls to one function of a Bash program, in plain data over descriptor 3.
# Bash cannot read the messages, so the calls follow below as source. The program is loaded anew
# for each of them, in a subshell that does not have the channel: nothing that it defines is seen
# here, and nothing here but names with a prefix is seen there.

overproof_max_bytes=$((8 << 20))

overproof_send() {
  local LC_ALL=C
  local overproof_size=${#1} overproof_head
  printf -v overproof_head '\\x%02x' $((overproof_size & 255)) $((overproof_size >> 8 & 255)) \
    $((overproof_size >> 16 & 255)) $((overproof_size >> 24 & 255))
  printf "$overproof_head%s" "$1" >&3
}

# Puts the text into REPLY as JSON.
overproof_quote() {
  local LC_ALL=C
  local overproof_text=$1 overproof_code overproof_sign
  if [[ $overproof_text == *[$'\x80'-$'\xff']* ]]; then
    overproof_text=$(printf '%s' "$overproof_text" | /usr/bin/iconv -c -f UTF-8 -t UTF-8)
  fi
  overproof_text=${overproof_text//\\/\\\\}
  overproof_text=${overproof_text//\"/\\\"}
  overproof_text=${overproof_text//$'\n'/\\n}
  if [[ $overproof_text == *[$'\x01'-$'\x1f']* ]]; then
    for ((overproof_code = 1; overproof_code < 32; overproof_code++)); do
      printf -v REPLY '\\x%02x' "$overproof_code"
      printf -v overproof_sign "$REPLY"
      printf -v REPLY '\\u%04x' "$overproof_code"
      overproof_text=${overproof_text//"$overproof_sign"/"$REPLY"}
    done
  fi
  REPLY="\"$overproof_text\""
}

# $1 is the kind of message, $2 what has happened, $3 a text about it
overproof_report() {
  local overproof_kind
  overproof_quote "${2:0:200}"
  overproof_kind=$REPLY
  overproof_quote "${3:0:200}"
  overproof_send "{\"$1\":$overproof_kind,\"detail\":$REPLY}"
}

# Loads the program, in a subshell, and runs a command that may be a function of it. A program that
# ends once it has defined its functions has done its part; what it sets up for its own end and for
# errors does not hold in a command substitution either, which is how functions are called.
overproof_with_program() {
  overproof_command=("$@")
  exec 3>&- 4>&1 >&2 </dev/null
  set --
  trap overproof_run EXIT
  source ./program.sh
  overproof_run
}

overproof_run() {
  builtin set +e
  builtin trap - EXIT
  exec >&4 4>&-
  "${overproof_command[@]}"
}

# $1 is the name of the function
overproof_load() {
  local overproof_found
  overproof_name=$1
  if ! overproof_found=$("$BASH" -n ./program.sh 2>&1 3>&-); then
    overproof_report failed compile_error "${overproof_found%%$'\n'*}"
    exit
  fi
  overproof_found=$(overproof_with_program builtin declare -F "$1")
  if [[ $overproof_found != "$1" ]]; then
    overproof_report failed no_code "no function $1"
    exit
  fi
  overproof_send '{"loaded":true}'
}

# The arguments are those of the call.
overproof_call() {
  local overproof_printed overproof_status
  overproof_printed=$(overproof_with_program "$overproof_name" "$@")
  overproof_status=$?
  if ((${#overproof_printed} >= overproof_max_bytes)); then
    overproof_report raised OutputLimit 'the result is too large'
  elif ((overproof_status == 139)); then
    overproof_report raised RecursionError 'segmentation fault'
  else
    overproof_quote "$overproof_printed"
    overproof_send "{\"value\":$REPLY}"
  fi
}

# Waits until nobody wants to know more.
overproof_finish() {
  while read -r -N 4096 -u 3 _; do :; done 2>/dev/null
}

