#include <stdexcept>
#include <string>
struct overproof_failed : std::runtime_error { using std::runtime_error::runtime_error; };
#undef assert
#define assert(...) \
  ((__VA_ARGS__) ? (void)0 : throw overproof_failed("assertion failed: " #__VA_ARGS__))
