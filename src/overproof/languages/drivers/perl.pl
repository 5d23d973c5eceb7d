# Answers calls to one sub of a Perl program, in plain data over descriptor 3.
# Loads no module, which would take longer than all the rest. Compiled before the program, so that
# what the program makes of Perl's functions does not reach it.
package OverproofDriver;
use strict;
no warnings;
no strict "refs";

my ($max_depth, $max_bytes, $infinity) = (100, 8 << 20, 9**9**9);
my %unescaped = (n => "\n", t => "\t", r => "\r", b => "\b", f => "\f");
my %words = (
    null => undef, true => !!1, false => !!0,
    NaN => $infinity - $infinity, Infinity => $infinity, "-Infinity" => -$infinity,
);
my $knows_kinds = defined &builtin::created_as_number;    # since Perl 5.36
my $too_large = \"too large";
my ($text, $out, $name, $loading);

open my $channel, "+<&=", 3 or exit 2;
binmode $channel;

sub send_message {
    my ($content) = @_;
    my $frame = pack("V", length $content) . $content;
    my $sent = 0;
    while ($sent < length $frame) {
        $sent += syswrite($channel, $frame, length($frame) - $sent, $sent) || CORE::exit(0);
    }
}

sub read_exactly {
    my ($size) = @_;
    my $content = "";
    while (length $content < $size) {
        sysread($channel, $content, $size - length $content, length $content) || CORE::exit(0);
    }
    return $content;
}

sub receive {
    $text = read_exactly(unpack "V", read_exactly(4));
    pos($text) = 0;
    return parse_value();
}

# Reads JSON, and at once makes the values that tagged objects stand for.
# Nowhere a pattern with a group, for which Perl would copy all of the text, or with a fixed
# character, for which it would search all of it.
sub parse_value {
    my $sign = next_sign();
    return parse_string() if $sign eq '"';
    return parse_object() if $sign eq "{";
    if ($sign eq "[") {
        my @found;
        push @found, parse_value() while goes_on("]");
        return \@found;
    }
    pos($text)--;
    my $found = taken(qr/\G[-+.\w]+/);
    return exists $words{$found} ? $words{$found} : 0 + $found;
}

sub next_sign {
    $text =~ /\G\s+/gc;
    return substr $text, pos($text)++, 1;
}

# Whether what is between brackets goes on, after a comma or not.
sub goes_on {
    my ($closing) = @_;
    my $sign = next_sign();
    pos($text)-- unless $sign eq "," || $sign eq $closing;
    return $sign ne $closing;
}

sub taken {
    my ($pattern) = @_;
    my $start = pos $text;
    $text =~ /$pattern/gc or die "not JSON\n";
    return substr $text, $start, pos($text) - $start;
}

sub parse_string {
    my ($plain, $found) = (qr/\G[^"\\]*/, "");
    while (1) {
        $found .= taken($plain);
        last if next_sign() eq '"';
        my $sign = substr $text, pos($text)++, 1;
        if ($sign eq "u") {
            my $code = hex taken(qr/\G..../);
            if ($code >= 0xd800 && $code < 0xdc00 && substr($text, pos $text, 2) eq "\\u") {
                pos($text) += 2;
                $code = 0x10000 + (($code - 0xd800) << 10) + hex(taken(qr/\G..../)) - 0xdc00;
            }
            $sign = chr $code;
            utf8::encode($sign);
        } elsif (exists $unescaped{$sign}) {
            $sign = $unescaped{$sign};
        }
        $found .= $sign;
    }
    utf8::decode($found);
    return $found;
}

sub parse_object {
    my ($key, %found);
    while (goes_on("}")) {
        next_sign();
        $key = parse_string();
        next_sign();
        $found{$key} = parse_value();
    }
    my $content = $found{$key};
    return $content if $key =~ /^(?:tuple|set|frozenset)$/;
    return { map { @$_ } @$content } if $key eq "dict";
    return \%found if $key ne "int";
    return $content =~ s/^-// ? -whole($content) : whole($content);
}

sub whole {
    my ($digits) = @_;
    my $found = 0;
    $digits =~ s/^0x0*//;
    return hex $digits if length $digits <= 16;
    $found = $found * 16 + hex $_ for split //, $digits;
    return $found;
}

sub put {
    my ($value, $depth) = @_;
    die $too_large if length $out > $max_bytes;
    my $kind = ref $value;
    if (!defined $value) { $out .= "null" }
    elsif ($depth > $max_depth) { put_opaque("deep") }
    elsif ($kind eq "") { put_scalar($value) }
    elsif ($kind eq "ARRAY") { put_items($value, $depth) }
    elsif ($kind eq "HASH") {
        $out .= '{"dict":';
        put_items([map { [$_, $value->{$_}] } keys %$value], $depth);
        $out .= "}";
    }
    elsif (UNIVERSAL::isa($value, "Math::BigInt")) { put_big($value) }
    else { put_opaque($kind) }
}

sub put_items {
    my ($items, $depth) = @_;
    my $separator = "";
    $out .= "[";
    for my $item (@$items) {
        $out .= $separator;
        put($item, $depth + 1);
        $separator = ",";
    }
    $out .= "]";
}

sub put_scalar {
    my ($value) = @_;
    if ($knows_kinds && builtin::is_bool($value)) {
        $out .= $value ? "true" : "false";
    } elsif (ref \$value eq "VSTRING" || !is_number($value)) {
        put_text($value);
    } else {
        put_number($value);
    }
}

sub is_number {
    my ($value) = @_;
    return builtin::created_as_number($value) if $knows_kinds;
    # Only of two strings is this the string of what they have in common: nothing.
    return length((my $nothing = "") & $value) && 0 + $value eq $value;
}

sub put_number {
    my ($value) = @_;
    if ($value != $value) { $out .= "NaN" }
    elsif (abs($value) == $infinity) { $out .= $value > 0 ? "Infinity" : "-Infinity" }
    elsif (abs($value) < 2**53 && $value == int $value) { $out .= sprintf "%d", $value }
    elsif ($value =~ /^(-?)(\d+)$/) { $out .= sprintf '{"int":"%s0x%x"}', $1, $2 }
    else { $out .= shortest($value) }
}

sub shortest {
    my ($value) = @_;
    for my $digits (15 .. 17) {
        my $found = sprintf "%.${digits}g", $value;
        return $found =~ /[.e]/ ? $found : "$found.0" if $found == $value;
    }
}

sub put_big {
    my ($value) = @_;
    my $found = "$value";
    if ($found =~ /^-?\d+$/) { $out .= '{"int":"' . $value->as_hex . '"}' }
    elsif ($found =~ /^[-+]?(?:\d|\.\d|inf|nan)/i) { put_number(0 + $found) }
    else { put_opaque(ref $value) }
}

# Without the flag of Unicode, what is UTF-8 was written as such, and the rest is Latin-1.
sub put_text {
    my ($found) = @_;
    $found = "$found";
    utf8::decode($found) unless utf8::is_utf8($found);
    $found =~ s/[^\x00-\x{D7FF}\x{E000}-\x{10FFFF}]/\x{FFFD}/g;
    utf8::encode($found);
    $found =~ s/(["\\\x00-\x1f])/sprintf "\\u%04x", ord $1/ge;
    $out .= "\"$found\"";
}

sub put_opaque {
    $out .= '{"opaque":';
    put_text(substr $_[0], 0, 60);
    $out .= "}";
}

sub text_message {
    my ($first, $kind, $detail) = @_;
    $out = "{\"$first\":";
    put_text($kind);
    $out .= ',"detail":';
    put_text(substr +(split /\n/, $detail)[0] // "", 0, 200);
    return "$out}";
}

sub value_message {
    my @values = @_;
    $out = '{"value":';
    # What is returned as a list is one: (1, 2) is as good a pair as [1, 2].
    return text_message("raised", "OutputLimit", "the result is too large")
        if !eval { put(@values > 1 ? \@values : $values[0], 0); 1 } || length $out >= $max_bytes;
    return "$out}";
}

sub raised {
    my ($error) = @_;
    return text_message("raised", ref $error, "") if ref $error;
    return text_message("raised", "Error", $error);
}

sub answer {
    my ($target, $args) = @_;
    my ($returned, @values) = (0);
    # A block of its own, so that a stray `last` of the program leaves nothing else.
    {
        eval { @values = &$target(@$args); $returned = 1 };
    }
    return $returned ? value_message(@values) : raised($@);
}

sub serve_calls {
    my $target = defined &{"main::$name"} ? \&{"main::$name"} : undef;
    return send_message(text_message("failed", "no_code", "no sub $name")) unless $target;
    send_message('{"loaded":true}');
    while (1) {
        my $calls = receive()->{calls};
        send_message(answer($target, $_->{args})) for @$calls;
    }
}

sub failure {
    my ($error) = @_;
    my $compiling = join "|", "^syntax error", "^Missing right", "^Unmatched right",
        "^Can't find string terminator", "^Global symbol", "^Bareword", "^Unrecognized character",
        "aborted due to compilation errors", "has too many errors";
    return "error", "while loading: " . ref $error if ref $error;
    return "compile_error", $error if $error =~ /$compiling/m;
    return "error", "while loading: $error";
}

sub serve {
    ($name, $loading) = (@_, 1);
    open STDOUT, ">&", \*STDERR;
    do "./program.pl";
    $loading = 0;
    return $@ ? send_message(text_message("failed", failure($@))) : serve_calls();
}

# A program that ends once it has defined its sub has done its part.
END { serve_calls() if $loading && defined &{"main::$name"} }

