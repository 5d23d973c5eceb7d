sub overproof_same {
    my ($one, $other) = @_;
    return !defined $one && !defined $other unless defined $one && defined $other;
    return $one eq $other unless ref $one && ref $other;
    return 0 unless ref $one eq ref $other;
    if (ref $one eq 'ARRAY') {
        return 0 unless @$one == @$other;
        overproof_same($one->[$_], $other->[$_]) or return 0 for 0 .. $#{$one};
        return 1;
    }
    if (ref $one eq 'HASH') {
        return 0 unless keys %$one == keys %$other;
        exists $other->{$_} && overproof_same($one->{$_}, $other->{$_}) or return 0
            for keys %$one;
        return 1;
    }
    return overproof_same($$one, $$other) if ref $one eq 'SCALAR' || ref $one eq 'REF';
    return $one == $other;
}
