# SPDX-License-Identifier: BSD-2-Clause

package EHR::Document;

# Made-up documents, each with names and numbers of its own (the canaries),
# from the samples in t/samples/.
#
#   my $doc = EHR::Document->claim(
#       facility => "99001",
#       key      => "99001-...",        # MA_LK; unique when not given
#       only     => [ "XML1" ],         # these sections alone; without XML2
#                                       # and XML3 the totals are 0
#       set      => { XML2 => { MA_THUOC => "" } },   # values: of every row
#       edit     => { XML3 => sub { $_[0] =~ s/a/b/r } },     # the section
#       whole    => sub { $_[0] },      # the document's text at the end
#   );
#   my $doc = EHR::Document->checkin(facility => ..., key => ..., set => {},
#                                    whole => sub {});
#   my $doc = EHR::Document->notice(facility => ..., key => "00007", note =>
#                                   "a comment");    # of a birth; key is the
#                                   # first part of MA_GCS
#   my $doc = EHR::Document->raw($bytes, type => "application/xml");
#
#   bytes  type ("application/xml")  sha256 (hex)  digest (Content-Digest)
#   key (MA_LK)  facility
#
#   EHR::Document->canaries       strings no log may hold: of all documents
#                                 made so far in this process
#   EHR::Document::section($bytes, "XML1")    the decoded section of a claim

use strict;
use warnings;

use Digest::SHA ();
use MIME::Base64 qw(encode_base64 decode_base64);
use Time::HiRes qw(time);

use EHR::Util qw(top slurp);

use constant SAMPLE_FACILITY => "99001";
use constant CANARY_MIN => 8;

# Fields that say who somebody is.

my $personal = join("|", qw(HO_TEN SO_CCCD MA_THE_BHYT MA_BN MA_LK DIA_CHI
    DIEN_THOAI HO_TEN_CHA HO_TEN_ME NGUOI_GIAM_HO MA_THE_TAM SO_KCB));

my %canaries;
my %samples;
my $made = 0;


sub canaries {
    return keys %canaries;
}


sub _sample {
    my ($name) = @_;

    return $samples{$name} ||= slurp(top() . "/t/samples/$name.xml")
        || die "no sample $name";
}


# Unique over processes and time, digits only.

sub _number {
    my ($digits) = @_;

    $made++;

    my $n = sprintf("%06d%05d%04d", int(time() * 1000) % 1_000_000,
                    $$ % 100_000, $made % 10_000);

    return substr($n . "0" x $digits, -$digits) if $digits < length $n;

    return "0" x ($digits - length $n) . $n;
}


sub _new {
    my ($class, $bytes, %o) = @_;

    return bless { bytes => $bytes, type => "application/xml", %o }, $class;
}


sub raw {
    my ($class, $bytes, %o) = @_;

    return $class->_new($bytes, %o);
}


sub bytes    { return $_[0]{bytes} }
sub type     { return $_[0]{type} }
sub key      { return $_[0]{key} }
sub facility { return $_[0]{facility} }
sub sha256   { return Digest::SHA::sha256_hex($_[0]{bytes}) }


sub digest {
    my ($self) = @_;

    my $hash = Digest::SHA::sha256($self->{bytes});

    return "sha-256=:" . encode_base64($hash, "") . ":";
}


# Who the document is about: the same in all of its sections.

sub _person {
    my ($o) = @_;

    my $n = _number(15);
    my $letters = substr($n, -8) =~ tr/0-9/A-J/r;

    return {
        HO_TEN => "HO\xc3\x80NG Y\xe1\xba\xbeN $letters",
        cccd   => substr($n, -6),
        card   => substr($n, -10),
        MA_BN  => "CN-" . substr($n, -10),
        MA_LK  => defined $o->{key} ? $o->{key}
                                    : "$o->{facility}-" . substr($n, -15),
    };
}


sub _personalise {
    my ($xml, $person, $facility) = @_;

    for my $field (qw(HO_TEN MA_BN MA_LK)) {
        $xml =~ s{<$field>[^<]+</$field>}
                 {<$field>$person->{$field}</$field>}g;
    }

    $xml =~ s{<SO_CCCD>(\d{6})\d{6}</SO_CCCD>}
             {<SO_CCCD>$1$person->{cccd}</SO_CCCD>}g;
    $xml =~ s{<MA_THE_BHYT>(\w{5})\w{10}</MA_THE_BHYT>}
             {<MA_THE_BHYT>$1$person->{card}</MA_THE_BHYT>}g;
    $xml =~ s{<(MA_?CSKCB)>${\SAMPLE_FACILITY}<}{<$1>$facility<}g;

    return $xml;
}


sub _set {
    my ($xml, $values) = @_;

    for my $field (keys %$values) {
        $xml =~ s{<$field>[^<]*</$field>|<$field/>}
                 {<$field>$values->{$field}</$field>}g;
    }

    return $xml;
}


sub _remember {
    my ($xml) = @_;

    while ($xml =~ m{<(?:$personal)>([^<]+)</}g) {
        $canaries{$1} = 1 if length $1 >= CANARY_MIN;
    }

    return;
}


sub checkin {
    my ($class, %o) = @_;

    $o{facility} ||= SAMPLE_FACILITY;

    my $person = _person(\%o);
    my $xml = _personalise(_sample("checkin-99001"), $person, $o{facility});

    $xml = _set($xml, $o{set}) if $o{set};
    _remember($xml);
    $xml = $o{whole}->($xml) if $o{whole};

    return $class->_new($xml, facility => $o{facility},
                        key => $person->{MA_LK});
}


sub notice {
    my ($class, %o) = @_;

    $o{facility} ||= SAMPLE_FACILITY;

    my $person = _person(\%o);
    my $n = defined $o{key} ? $o{key} : sprintf("%05d", $made % 100_000);
    my $key = "$n.GCS.$o{facility}.26";
    my $xml = _set(_personalise(_sample("birth-99001"), $person,
                                $o{facility}),
                   { MA_GCS => $key, HO_TEN_CHA => $person->{HO_TEN} });

    _remember($xml);
    $xml =~ s{(</\w+>\s*)\z}{<!-- $o{note} -->$1} if defined $o{note};

    return $class->_new($xml, facility => $o{facility}, key => $key);
}


sub claim {
    my ($class, %o) = @_;

    $o{facility} ||= SAMPLE_FACILITY;

    my $person = _person(\%o);
    my %wanted = map { $_ => 1 } @{$o{only} || []};
    my $xml = _sample("claim-99001");

    $xml =~ s{<(MA_?CSKCB)>${\SAMPLE_FACILITY}<}{<$1>$o{facility}<}g;

    $xml =~ s{([ \t]*<FILEHOSO>\s*<LOAIHOSO>(\w+)</LOAIHOSO>\s*
               <NOIDUNGFILE>)([^<]*)(</NOIDUNGFILE>\s*</FILEHOSO>\s*?\n?)}{
        !$o{only} || $wanted{$2}
            ? $1 . _section($2, $3, $person, \%o) . $4 : ""
    }gex;

    $xml = $o{whole}->($xml) if $o{whole};

    return $class->_new($xml, facility => $o{facility},
                        key => $person->{MA_LK});
}


sub _section {
    my ($name, $base64, $person, $o) = @_;

    my $xml = _personalise(decode_base64($base64), $person, $o->{facility});

    $xml = _without_money($xml) if $name eq "XML1" && $o->{only}
        && !grep { /^XML[23]$/ } @{$o->{only}};
    $xml = _set($xml, $o->{set}{$name}) if $o->{set}{$name};
    _remember($xml);
    $xml = $o->{edit}{$name}->($xml) if $o->{edit}{$name};

    return encode_base64($xml, "");
}


# Without rows there is nothing to pay.

sub _without_money {
    my ($xml) = @_;

    return $xml =~ s{<(T_[A-Z_]+)>[^<]*}{<$1>0}gr;
}


sub section {
    my ($bytes, $name) = @_;

    my ($base64) = $bytes =~ m{<LOAIHOSO>$name</LOAIHOSO>\s*
                               <NOIDUNGFILE>([^<]*)<}x;

    return defined $base64 ? decode_base64($base64) : undef;
}


1;
