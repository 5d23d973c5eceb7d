
namespace OverproofTests {
  public class AssertionFailed : System.Exception {
    public AssertionFailed(string message) : base("assertion failed: " + message) {}
  }

  public static class Check {
    public static void That(bool held, string message = "", string more = "") {
      if (!held) throw new AssertionFailed(message);
    }
  }
}

namespace KellermanSoftware.CompareNetObjects {
  public class ComparisonResult {
    public bool AreEqual;
  }

  // Values of one type, and all that is in them, in order; sets in any order.
  public class CompareLogic {
    public ComparisonResult Compare(object one, object other) {
      return new ComparisonResult { AreEqual = Same(one, other) };
    }

    static bool Same(object one, object other) {
      if (one == null || other == null) return one == null && other == null;
      if (one.GetType() != other.GetType()) return false;
      if (one is string) return one.Equals(other);
      if (one is System.Collections.IDictionary) {
        var left = (System.Collections.IDictionary)one;
        var right = (System.Collections.IDictionary)other;
        if (left.Count != right.Count) return false;
        foreach (object key in left.Keys)
          if (!right.Contains(key) || !Same(left[key], right[key])) return false;
        return true;
      }
      if (!(one is System.Collections.IEnumerable)) return one.Equals(other);
      var mine = Items(one);
      var theirs = Items(other);
      if (mine.Count != theirs.Count) return false;
      bool ordered = !one.GetType().Name.StartsWith("HashSet");
      for (int i = 0; i < mine.Count; i++) {
        int at = ordered ? 0 : theirs.FindIndex(item => Same(mine[i], item));
        if (at < 0 || !Same(mine[i], theirs[at])) return false;
        theirs.RemoveAt(at);
      }
      return true;
    }

    static System.Collections.Generic.List<object> Items(object many) {
      var found = new System.Collections.Generic.List<object>();
      foreach (object item in (System.Collections.IEnumerable)many) found.Add(item);
      return found;
    }
  }
}
