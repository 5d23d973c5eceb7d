"""What Bash that reports what it reached starts with."""

REPORT = r"""
reached=
# $1 is a label, the rest a command: reached if it succeeds, with what it prints
attempt() {
  local label=$1 got
  shift
  if got=$("$@" 2>/dev/null); then reached+="$label ${got:0:60}; "; fi
}
report() { printf '%s\n' "${reached:-held}"; }
"""
