<?php
// Answers calls to one function of a PHP program, in plain data over descriptor 3.
//
// Loaded before the program, which is then included where its variables are global. Only names of
// functions that no program can define anew are used. A program that exits at its top, after it has
// defined the function, has done its part; one that exits while it is called just ends.

final class OverproofDriver
{
    private const CHANNEL = 'php://fd/3';
    private const MAX_MESSAGE = 64 << 20;
    private const MAX_REPLY = 8 << 20;
    private const MAX_DEPTH = 100;
    private const MAX_DETAIL = 200;
    private const FIRST_TAGGED = 1 << 53;
    private const ONE_CHARACTER = '/[\x00-\x7F]+|[\xC2-\xDF][\x80-\xBF]|\xE0[\xA0-\xBF][\x80-\xBF]'
        . '|[\xE1-\xEC\xEE\xEF][\x80-\xBF]{2}|\xED[\x80-\x9F][\x80-\xBF]'
        . '|\xF0[\x90-\xBF][\x80-\xBF]{2}|[\xF1-\xF3][\x80-\xBF]{3}'
        . '|\xF4[\x80-\x8F][\x80-\xBF]{2}|./s';

    private static $channel;
    private static string $name;
    private static string $state = 'loading';

    public static function begin(string $name): void
    {
        self::$name = $name;
        self::$channel = fopen(self::CHANNEL, 'r+b');
        stream_set_read_buffer(self::$channel, 0);
        stream_set_write_buffer(self::$channel, 0);
        register_shutdown_function([self::class, 'finish']);
    }

    /** Called at the end of the process, also by `exit` and after a fatal error. */
    public static function finish(): void
    {
        $error = error_get_last();
        $fatal = $error !== null && ($error['type'] & (E_ERROR | E_CORE_ERROR | E_COMPILE_ERROR));
        if (self::$state === 'loading') {
            if ($fatal) {
                $compiling = $error['type'] & E_COMPILE_ERROR;
                self::fail($compiling ? 'compile_error' : 'error', $error['message']);
            } else {
                self::serve();
            }
        } elseif (self::$state === 'calling' && $fatal) {
            $memory = preg_match('/memory/i', $error['message']);
            self::send(self::raised($memory ? 'MemoryError' : 'Error', $error['message']));
        }
    }

    /** The program cannot be loaded. */
    public static function failed(Throwable $error): void
    {
        $status = $error instanceof ParseError ? 'compile_error' : 'error';
        self::fail($status, get_class($error) . ': ' . $error->getMessage());
    }

    public static function serve(): void
    {
        if (self::$state !== 'loading') {
            return;
        }
        ini_set('display_errors', '0');
        $target = self::find();
        if ($target === null) {
            self::fail('no_code', 'no function ' . self::$name);
            return;
        }
        self::send('{"loaded":true}');
        while (($message = self::receive()) !== null) {
            foreach ($message['calls'] as $call) {
                self::$state = 'calling';
                $reply = self::answer($target, $call['args']);
                self::$state = 'waiting';
                self::send($reply);
            }
        }
    }

    /** The function, in whatever namespace, or a method of that name. */
    private static function find(): ?callable
    {
        $wanted = strtolower(self::$name);
        foreach (get_defined_functions()['user'] as $function) {
            if (str_ends_with('\\' . strtolower($function), '\\' . $wanted)) {
                return $function;
            }
        }
        $variable = $GLOBALS[self::$name] ?? null;
        if ($variable instanceof Closure) {
            return $variable;
        }
        foreach (get_declared_classes() as $class) {
            $reflection = new ReflectionClass($class);
            if (!$reflection->isUserDefined() || $class === self::class) {
                continue;
            }
            if ($reflection->hasMethod(self::$name)) {
                $method = $reflection->getMethod(self::$name);
                $object = $method->isStatic() ? null : self::instance($reflection);
                return $method->getClosure($object);
            }
        }
        return null;
    }

    private static function instance(ReflectionClass $class): object
    {
        $constructor = $class->getConstructor();
        return $constructor === null || $constructor->getNumberOfRequiredParameters() === 0
            ? $class->newInstance()
            : $class->newInstanceWithoutConstructor();
    }

    private static function answer(callable $target, array $args): string
    {
        try {
            $values = array_map([self::class, 'decode'], $args);
            $result = $target(...$values);
            ini_set('serialize_precision', '-1');
            $reply = '{"value":' . self::encode($result, 0) . '}';
            return strlen($reply) <= self::MAX_REPLY
                ? $reply
                : self::raised('CodecError', 'the result is too large');
        } catch (Throwable $error) {
            return self::raised(get_class($error), $error->getMessage());
        }
    }

    private static function raised(string $kind, string $detail): string
    {
        [$kind, $detail] = [self::text($kind), self::text(self::line($detail))];
        return "{\"raised\":$kind,\"detail\":$detail}";
    }

    private static function fail(string $status, string $detail): void
    {
        self::$state = 'failed';
        self::send('{"failed":"' . $status . '","detail":' . self::text(self::line($detail)) . '}');
    }

    private static function line(string $text): string
    {
        return substr(strtok($text, "\r\n") ?: '', 0, self::MAX_DETAIL);
    }

    // ---- Messages

    private static function send(string $text): void
    {
        $frame = pack('V', strlen($text)) . $text;
        for ($sent = 0, $size = strlen($frame); $sent < $size; $sent += $count) {
            $count = fwrite(self::$channel, $sent ? substr($frame, $sent) : $frame);
            if (!$count) {
                self::$state = 'failed';
                exit(2);
            }
        }
    }

    private static function receive(): ?array
    {
        $head = self::exactly(4);
        if ($head === null) {
            return null;
        }
        $size = unpack('V', $head)[1];
        $text = $size <= self::MAX_MESSAGE ? self::exactly($size) : null;
        return $text === null ? null : self::parse($text);
    }

    private static function exactly(int $size): ?string
    {
        $parts = [];
        while ($size > 0) {
            $part = fread(self::$channel, min($size, 1 << 20));
            if ($part === false || $part === '') {
                return null;
            }
            $parts[] = $part;
            $size -= strlen($part);
        }
        return implode('', $parts);
    }

    private static function parse(string $text): array
    {
        $words = '/"(?:[^"\\\\]|\\\\.)*+"(*SKIP)(*FAIL)|-?Infinity|NaN/s';
        if (preg_match('/NaN|Infinity/', $text)) {
            $text = preg_replace($words, '{"real":"$0"}', $text);
        }
        $message = json_decode($text, true);
        if ($message === null) {
            // A surrogate without its other half is no character.
            $alone = '/\\\\ud[89ab]..(?!\\\\ud[c-f])|(?<!\\\\ud[89ab]..)\\\\ud[c-f]../i';
            $message = json_decode(preg_replace($alone, '\\ufffd', $text), true);
        }
        return $message;
    }

    // ---- Values

    private static function decode(mixed $tree): mixed
    {
        if (!is_array($tree)) {
            return $tree;
        }
        if (array_is_list($tree)) {
            return array_map([self::class, 'decode'], $tree);
        }
        $tag = array_key_first($tree);
        $content = $tree[$tag];
        switch ($tag) {
            case 'tuple':
            case 'set':
            case 'frozenset':
                return array_map([self::class, 'decode'], $content);
            case 'dict':
                $map = [];
                foreach ($content as [$key, $value]) {
                    $map[self::decode($key)] = self::decode($value);
                }
                return $map;
            case 'int':
                return self::whole($content);
            case 'real':
                return ['NaN' => NAN, 'Infinity' => INF, '-Infinity' => -INF][$content];
        }
        throw new TypeError("cannot take $tag");
    }

    private static function whole(string $hexadecimal): int|float
    {
        $negative = $hexadecimal[0] === '-';
        $digits = substr($hexadecimal, $negative ? 3 : 2);
        if (ltrim($digits, '0') === '8000000000000000' && $negative) {
            return PHP_INT_MIN;
        }
        $magnitude = hexdec($digits);
        return $negative ? -$magnitude : $magnitude;
    }

    private static function encode(mixed $value, int $depth): string
    {
        if ($depth >= self::MAX_DEPTH) {
            return '{"opaque":"deep"}';
        }
        if (is_string($value)) {
            return self::text($value);
        }
        if (is_int($value)) {
            return self::integer($value);
        }
        if (is_float($value)) {
            return self::real($value);
        }
        if (is_array($value)) {
            return self::many($value, $depth);
        }
        if ($value === null || is_bool($value)) {
            return json_encode($value);
        }
        return '{"opaque":' . self::text(get_debug_type($value)) . '}';
    }

    private static function many(array $values, int $depth): string
    {
        $items = [];
        if (array_is_list($values)) {
            foreach ($values as $value) {
                $items[] = self::encode($value, $depth + 1);
            }
            return '[' . implode(',', $items) . ']';
        }
        foreach ($values as $key => $value) {
            $shown = self::encode($value, $depth + 1);
            $items[] = '[' . self::encode($key, 0) . ",$shown]";
        }
        return '{"dict":[' . implode(',', $items) . ']}';
    }

    private static function integer(int $value): string
    {
        if ($value > -self::FIRST_TAGGED && $value < self::FIRST_TAGGED) {
            return (string) $value;
        }
        // The least integer has no positive counterpart, but its digits are those of its magnitude.
        $digits = dechex($value === PHP_INT_MIN ? $value : abs($value));
        return '{"int":"' . ($value < 0 ? '-' : '') . "0x$digits\"}";
    }

    private static function real(float $value): string
    {
        if (is_nan($value)) {
            return 'NaN';
        }
        if (is_infinite($value)) {
            return $value > 0 ? 'Infinity' : '-Infinity';
        }
        return json_encode($value, JSON_PRESERVE_ZERO_FRACTION);
    }

    /** A byte that is not UTF-8 becomes the code that Python's `surrogateescape` has for it. */
    private static function text(string $text): string
    {
        $encoded = json_encode($text);
        if ($encoded !== false) {
            return $encoded;
        }
        preg_match_all(self::ONE_CHARACTER, $text, $matches);
        $pieces = '';
        foreach ($matches[0] as $piece) {
            $encoded = json_encode($piece);
            $pieces .= $encoded === false
                ? sprintf('\\udc%02x', ord($piece))
                : substr($encoded, 1, -1);
        }
        return '"' . $pieces . '"';
    }
}
