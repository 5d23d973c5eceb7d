"""What C++ that reports what it reached starts with."""

REPORT = r"""
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#define EACH(name, ...) const char* name : std::initializer_list<const char*> __VA_ARGS__
static std::string reached;
static void note(const std::string& label) { reached += label.substr(0, 90) + "; "; }
static std::string report() { return reached.empty() ? "held" : reached; }
// What is no error, as most calls tell it, was reached.
static long attempt(const char* label, long result) {
  if (result >= 0) note(label);
  return result;
}
// Whatever is not a refusal was looked at by the kernel: it would have been done.
template <class... Arguments>
static void call(const char* label, long number, Arguments... arguments) {
  errno = 0;
  if (syscall(number, arguments...) >= 0 ||
      (errno != EPERM && errno != EACCES && errno != ENOSYS && errno != ESRCH))
    note(label);
}
static void take(const char* label, int file) {
  char text[60] = {};
  if (file >= 0 && read(file, text, sizeof text - 1) > 0) note(std::string(label) + " " + text);
  if (file >= 0) close(file);
}
"""
