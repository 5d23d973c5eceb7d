package overproof;

/** What Python would raise where a value cannot be passed or sent. */
final class Refusal extends RuntimeException {
  final String kind;

  Refusal(String kind, String detail) {
    super(detail, null, false, false);
    this.kind = kind;
  }
}
