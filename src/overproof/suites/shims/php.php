function overproof_assert($held, $words = '')
{
    if (!$held) {
        throw new \Exception("assertion failed: $words");
    }
}
