import java.util.*;
import java.util.stream.*;
import org.javatuples.*;

/** What programs often use; compiled and called once, so that the archives hold what it needs. */
class Problem {
    public static Map<String, Object> warm(
            ArrayList<Long> numbers, String text, Map<String, Float> map) {
        List<Long> sorted = numbers.stream().filter(n -> n > 1).map(n -> n * n)
            .sorted(Comparator.reverseOrder()).collect(Collectors.toList());
        Collections.sort(numbers, (a, b) -> Long.compare(b, a));
        StringBuilder out = new StringBuilder();
        for (String word : text.split("[ ,]"))
            out.append(word.toUpperCase()).append(word.charAt(0));
        Map<Character, Integer> counts = new HashMap<>();
        for (char c : text.toCharArray()) counts.put(c, counts.getOrDefault(c, 0) + 1);
        long total = IntStream.range(0, 5).mapToLong(i -> (long) Math.pow(i, 2)).sum();
        Map<String, Object> all = new TreeMap<>();
        all.put("a", sorted);
        all.put("b", String.format("%s %d %.2f", out.reverse(), total, 1.5));
        long letters = text.chars().filter(Character::isLetter).count();
        all.put("c", Pair.with(total, Optional.of(letters)));
        all.put("d", new HashSet<>(numbers));
        all.put("e", map.values().stream().map(String::valueOf).collect(Collectors.joining(", ")));
        all.put("f", 1.5f);
        return all;
    }
}
