#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A wrong document is told all its errors at once, in the caller's language,
# with section, row, field, line and rule, and never a value of it; a hostile
# one is refused and hurts nobody; what is refused is not kept.

use strict;
use warnings;

use FindBin qw($Bin);
use MIME::Base64 qw(encode_base64);
use Test::More;

use lib "$Bin/lib";
use EHR::Document;
use EHR::Util qw(slurp spew is_sanitized);
use EHR::World;

use constant MEMORY_KB => 64 * 1024;

my $world = EHR::World->new(workers => 1, sim => 0, redis => 0,
    rate => "off", cert_rate => "off");
$world->start;
$world->enrol("99001");
$world->enrol("99002", kinds => ["checkin"]);

my $client = $world->client("99001");

sub send_bytes {
    my ($bytes, @headers) = @_;

    return $world->submit($client, EHR::Document->raw($bytes), @headers);
}

sub codes {
    my ($res) = @_;

    return [ map { join ":", $_->{code}, $_->{row} // 0 }
        @{ $res->json->{errors} } ];
}

my $wrong = slurp("$Bin/samples/claim-99001-wrong.xml");

my @planted = qw(
    xml1.ngay_sinh.date:0 xml1.gioi_tinh.code:0 xml1.ma_benh_chinh.too_long:0
    xml2.ma_thuoc.missing:2 xml2.so_luong.type:3 xml2.ma_lk.mismatch:4
    xml3.don_gia_bv.missing:1 xml3.ngay_yl.date:2 xml5.thoi_diem_dbls.date:2
    xml7.ngay_ct.date:0 xml8.ket_qua_dtri.missing:0
);

subtest "all errors at once" => sub {
    my $res = send_bytes($wrong);

    is $res->status, 422, "refused";
    is $res->code, "document.invalid", "document.invalid";
    is $res->header("Content-Type"), "application/problem+json", "RFC 9457";
    is_deeply [ sort @{ codes($res) } ], [ sort @planted ],
        "exactly the planted ones";

    my ($one) = grep { $_->{code} eq "xml2.ma_thuoc.missing" }
        @{ $res->json->{errors} };
    is $one->{section}, "XML2", "section";
    is $one->{field}, "MA_THUOC", "field";
    is $one->{severity}, "error", "severity";
    is $one->{path}, "/CHITIEU_CHITIET_THUOC/DSACH_CHI_TIET_THUOC"
        . "/CHI_TIET_THUOC[2]/MA_THUOC", "path";
    cmp_ok $one->{line}, ">", 1, "line inside the section";
    ok $one->{rule}, "rule";
    like $one->{message}, qr/kh\x{f4}ng \x{111}\x{1b0}\x{1ee3}c/,
        "Vietnamese by default";

    $res = send_bytes($wrong, "Accept-Language" => "en");
    is $res->json->{title}, "The document is not valid", "or English";

    my $list = $client->get("/v1/documents",
        Authorization => "Bearer " . $world->token("99001"));
    is scalar(@{ $list->json->{documents} }), 0, "nothing of it is kept";
};

subtest "whose document" => sub {
    my $res = $world->submit($client,
        EHR::Document->claim(facility => "99002"));
    is $res->status, 403, "another facility's claim";
    is $res->code, "facility.mismatch", "facility.mismatch";

    $res = $world->submit($client,
        EHR::Document->checkin(facility => "99002"));
    is $res->code, "facility.mismatch", "another facility's check-in";

    my $limited = $world->client("99002");
    $res = $world->submit($limited,
        EHR::Document->claim(facility => "99002"));
    is $res->code, "facility.kind-not-allowed",
        "a kind the facility may not send";
    is $world->submit($limited,
        EHR::Document->checkin(facility => "99002"))->status, 202,
        "and one it may";
};

subtest "which kind" => sub {
    is send_bytes("<?xml version=\"1.0\"?><HOADON/>")->code,
        "document.unknown-kind", "a root nobody knows";
    is send_bytes(slurp("$Bin/samples/sample-birth.xml"))->code,
        "document.unknown-kind", "a kind that is not taken yet";
};

subtest "not readable" => sub {
    my $claim = EHR::Document->claim(facility => "99001")->bytes;
    my %bad = (
        "cut in the middle"      => substr($claim, 0, length($claim) / 2),
        "not XML"                => "MA_LK;STT;MA_BN\n",
        "UTF-16"                 => "\xff\xfe<\0a\0/\0>\0",
        "NUL"                    => "<GIAMDINHHS>\0</GIAMDINHHS>",
        "broken UTF-8"           => "<GIAMDINHHS>\xc3(</GIAMDINHHS>",
        "UTF-7 declared"
            => "<?xml version=\"1.0\" encoding=\"UTF-7\"?><GIAMDINHHS/>",
        "a DOCTYPE"
            => "<!DOCTYPE GIAMDINHHS><GIAMDINHHS/>",
        "an external entity"
            => "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"
                . "<GIAMDINHHS>&x;</GIAMDINHHS>",
        "a billion laughs"       => laughs(),
        "100,000 levels"
            => "<a>" x 100_000 . "</a>" x 100_000,
        "20,000 attributes"
            => "<GIAMDINHHS " . join(" ", map { "a$_='1'" } 1 .. 20_000)
                . "/>",
        "Base64 that is none"
            => $claim =~ s/(<NOIDUNGFILE>)[^<]{8}/$1!!!!!!!!/r,
        "a section that is no XML" => $claim
            =~ s/(<NOIDUNGFILE>)[^<]+/$1 . encode_base64("x" x 300, "")/er,
    );

    for my $name (sort keys %bad) {
        my $res = send_bytes($bad{$name});
        is $res->status, 400, "$name: refused";
        is $res->code, "document.malformed", "$name: document.malformed";
    }

    is $world->submit($client,
        EHR::Document->claim(facility => "99001"))->status, 202,
        "and the worker serves the next one";
};

sub laughs {
    my $dtd = "<!DOCTYPE lolz [<!ENTITY lol \"lol\">";

    $dtd .= "<!ENTITY lol$_ \"" . ("&lol" . ($_ > 1 ? $_ - 1 : "") . ";")
        x 10 . "\">" for 1 .. 9;

    return "$dtd]><GIAMDINHHS>&lol9;</GIAMDINHHS>";
}

# A claim with one more section, whatever its bytes are.

sub with_section {
    my ($bytes) = @_;
    my $section = "<FILEHOSO><LOAIHOSO>XML15</LOAIHOSO><NOIDUNGFILE>"
        . encode_base64($bytes, "") . "</NOIDUNGFILE></FILEHOSO>";

    return EHR::Document->claim(facility => "99001")->bytes
        =~ s{(?=</HOSO>)}{$section}r;
}

sub rows {
    my ($fields, $n) = @_;
    my $row = "CHITIET_DIEUTRI_BENHLAO";
    my $rows = "<$row>$fields</$row>" x $n;

    return "<CHI_TIEU_DIEUTRI_BENHLAO><DSACH_$row>$rows</DSACH_$row>"
        . "</CHI_TIEU_DIEUTRI_BENHLAO>";
}

# The driver's examination of the samples with another signed copy.

sub with_signed {
    my ($xml) = @_;
    my $text = encode_base64($xml, "");

    return slurp("$Bin/samples/driver-exam-99001.json")
        =~ s{("SIGNDATA": ")[^"]*}{$1$text}r;
}

# The most memory the worker had since "5" was written to its clear_refs.

sub peak_kb {
    my ($pid) = @_;
    my ($kb) = slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB$/m;

    return $kb;
}

subtest "what is hostile costs little memory" => sub {
    my ($worker) = $world->workers;
    my $largest = 0;
    my $entity = "<!DOCTYPE a [<!ENTITY x \"" . "x" x 100_000 . "\">]>";
    my %hostile = (
        "a billion laughs" => laughs(),
        "a quadratic blow-up"
            => "$entity<GIAMDINHHS>" . "&x;" x 100_000 . "</GIAMDINHHS>",
        "1,000,000 levels" => "<a>" x 1_000_000 . "</a>" x 1_000_000,
        "100,000 attributes"
            => "<GIAMDINHHS " . join(" ", map { "a$_='1'" } 1 .. 100_000)
                . "/>",
        "a name of 8 MB" => "<" . "a" x 8_000_000 . "/>",
        "a comment of 8 MB" => "<!--" . "x" x 8_000_000 . "--><GIAMDINHHS/>",
        "1,000,000 levels in Base64" => with_section("<a>" x 1_000_000),
        "10 MB of text in Base64"
            => with_section("<a><![CDATA[" . "x" x 10_000_000 . "]]></a>"),
        "400,000 empty rows in Base64"
            => with_section(rows("", 400_000)),
        "20 MB of rows with two fields"
            => with_section(rows("<MA_LK>1</MA_LK><STT>1</STT>", 250_000)),
        "a signed copy of a million elements"
            => with_signed("<root>" . "<a/>" x 1_250_000 . "</root>"),
        "JSON of 100,000 levels" => "[" x 100_000,
        "JSON of a million values" => "{\"SO\":["
            . join(",", (1) x 1_000_000) . "]}",
    );

    spew("/proc/$worker/clear_refs", "5");
    my $before = peak_kb($worker);

    for my $name (sort keys %hostile) {
        spew("/proc/$worker/clear_refs", "5");

        my $doc = EHR::Document->raw($hostile{$name},
            type => $hostile{$name} =~ /^[\[{]/ ? "application/json"
                                                : "application/xml");
        my $res = $world->submit($client, $doc);
        my $grew = peak_kb($worker) - $before;

        like $res->status, qr/^(?:400|422)$/, "$name: refused";
        next if is_sanitized() || $ENV{EHR_VALGRIND};

        cmp_ok $grew, "<", MEMORY_KB, "$name: costs little memory";
        $largest = $grew if $grew > $largest;
    }

    cmp_ok $largest, ">", length($hostile{"10 MB of text in Base64"}) / 1024,
        "and what they cost was seen" if $largest;
    is_deeply [ $world->workers ], [ $worker ], "by one worker";
};

subtest "bytes are sacred" => sub {
    my $auth = "Bearer " . $world->token("99001");

    for my $case (
        [ "a byte order mark",  sub { "\xef\xbb\xbf" . $_[0] } ],
        [ "blank lines before", sub { "\r\n\n" . $_[0] } ],
        [ "CR LF",              sub { $_[0] =~ s/\n/\r\n/gr } ],
        [ "CDATA", sub {
            $_[0] =~ s{<MACSKCB>99001}{<MACSKCB><![CDATA[99001]]>}r } ],
    ) {
        my ($name, $edit) = @$case;
        my $doc = EHR::Document->claim(facility => "99001",
            whole => $edit);
        my $res = $world->submit($client, $doc);

        is $res->status, 202, "$name: accepted" or diag $res->body;
        next if $res->status != 202;

        my $id = $res->json->{id};
        is $client->get("/v1/documents/$id/content",
            Authorization => $auth)->body, $doc->bytes,
            "$name: kept as it came";
    }
};

subtest "large ones" => sub {
    my $auth = "Bearer " . $world->token("99001");
    my $big = EHR::Document->claim(facility => "99001",
        edit => { XML8 => sub {
            my $text = "chi tiết " x 200_000;
            $_[0] =~ s{(<QT_BENHLY>)}{$1$text}r;
        } });

    cmp_ok length $big->bytes, ">", 2_000_000, "larger than the buffer";

    my $res = $world->submit($client, $big);
    is $res->status, 202, "accepted" or diag $res->body;
    is $res->json->{sha256}, $big->sha256, "whole";
};

$world->finish;
done_testing();
