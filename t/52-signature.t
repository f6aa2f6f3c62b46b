#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A signature is checked as the administrator said for the kind: what another
# program has signed is accepted, in both profiles; what was changed since,
# has no signature, or was signed by somebody else is refused with a reason of
# its own in the caller's language; and nothing is fetched for it.

use strict;
use warnings;

use FindBin qw($Bin);
use Test::More;

use lib "$Bin/lib";
use EHR::Document;
use EHR::Sign qw(sign_reference sign_xml $SIGN_DSIG $SIGN_SHA256);
use EHR::Util qw(slurp spew);
use EHR::World;

my $dsig = $SIGN_DSIG;
my $sha256 = $SIGN_SHA256;

my $world = EHR::World->new(workers => 1, sim => 0, redis => 0,
    rate => "off", cert_rate => "off");
$world->start;
$world->enrol("99001");

my $ca = $world->pki . "/hospital-ca.pem";
my $rsa = $world->issue("signer-rsa", "--rsa");
my $ec = $world->issue("signer-ec");
my $soon = $world->issue("signer-soon", "--end", day(10));
my $expired = $world->issue("signer-expired", "--start", day(-20),
    "--end", day(-1));
my $foreign = $world->issue("signer-foreign", "ca", "server-ca");
my $client = $world->client("99001");

sub day {
    my ($n) = @_;
    my @t = gmtime(time() + $n * 86_400);

    return sprintf("%04d%02d%02d%02d%02d%02dZ", $t[5] + 1900, $t[4] + 1,
        @t[3, 2, 1, 0]);
}

# The document signed by xmlsec1, with the references as given.

sub signed {
    my ($bytes, $signer, %o) = @_;

    $bytes =~ s{\s*<CHUKYDONVI\s*/>|<CHUKYDONVI></CHUKYDONVI>}{};

    return sign_xml($bytes, $signer, dir => $world->dir, in => "CHUKYDONVI",
        is_rsa => $signer eq $rsa, %o);
}

sub claim {
    return EHR::Document->claim(facility => "99001", @_)->bytes;
}

sub submit {
    my ($bytes, @headers) = @_;

    return $world->submit($client, EHR::Document->raw($bytes), @headers);
}

sub codes {
    my ($res) = @_;

    return join(" ", sort map { $_->{code} } @{ $res->json->{errors} });
}

sub policy {
    my (@rows) = @_;

    $world->reconfigure(http => join("\n    ",
        map { "ehr_signature $_;" } @rows));
    $client = $world->client("99001");

    return;
}

my $changed = sub {
    $_[0] =~ s{(<NGAYLAP>)(\d{7})(\d)}{$1 . $2 . (($3 + 1) % 10)}er;
};


subtest "off" => sub {
    is submit(claim())->status, 202, "nobody asks";
    is submit($changed->(signed(claim(), $rsa)))->status, 202,
        "nor looks at one that is there";
};

subtest "when present" => sub {
    policy("claim when-present ca=$ca");

    is submit(claim())->status, 202, "none is fine";

    my $res = submit(signed(claim(), $rsa));
    is $res->status, 202, "RSA" or diag $res->body;
    $res = submit(signed(claim(), $ec));
    is $res->status, 202, "ECDSA" or diag $res->body;

    $res = submit(signed(claim(whole =>
        sub { $_[0] =~ s/<THONGTINHOSO>/<THONGTINHOSO Id="Id-1">/r }), $rsa,
        object => "<Object Id=\"Object-1\"><SignatureProperties>"
            . "<SignatureProperty Target=\"#Id-1\"><SigningTime>"
            . "2026-01-07T08:00:00</SigningTime></SignatureProperty>"
            . "</SignatureProperties></Object>",
        references => sign_reference("#Object-1")
            . sign_reference("#Id-1")));
    is $res->status, 202, "two references with Ids" or diag $res->body;

    my $big = claim(edit => { XML8 => sub {
        my $text = "chi tiết " x 100_000;
        $_[0] =~ s{(<QT_BENHLY>)}{$1$text}r;
    } });
    is submit(signed($big, $ec))->status, 202, "a large one, in a thread";

    $res = submit($changed->(signed(claim(), $rsa)));
    is $res->status, 422, "changed since: refused";
    is $res->code, "signature.invalid", "signature.invalid";
    is codes($res), "signature.digest", "signature.digest";
    is $res->json->{errors}[0]{section}, "GIAMDINHHS", "section";
    is $res->json->{errors}[0]{field}, "DigestValue", "field";
    like $res->json->{errors}[0]{message}, qr/sau khi k\x{fd}/, "Vietnamese";

    $res = submit($changed->(signed(claim(), $rsa)),
        "Accept-Language" => "en");
    like $res->json->{errors}[0]{message}, qr/changed after/, "or English";
};

subtest "required" => sub {
    policy("claim required ca=$ca");

    my $res = submit(claim());
    is $res->status, 422, "none: refused";
    is $res->code, "signature.required", "signature.required";

    is submit(signed(claim(), $ec))->status, 202, "a good one is accepted";
    is $world->submit($client,
        EHR::Document->checkin(facility => "99001"))->status, 202,
        "another kind is not asked";

    $res = $client->request("POST", "/v1/documents?validate_only=true",
        body => claim(), headers => [
            Authorization => "Bearer " . $world->token("99001"),
            "Content-Type" => "application/xml" ]);
    is $res->code, "signature.required", "validate-only says the same";
};

subtest "who signs" => sub {
    for my $case (
        [ $foreign, "signature.chain", "another authority's" ],
        [ $expired, "signature.expired", "expired" ],
    ) {
        my ($signer, $code, $name) = @$case;
        my $res = submit(signed(claim(), $signer));

        is $res->code, "signature.untrusted", "$name: signature.untrusted";
        is codes($res), $code, "$name: $code";
    }

    my $res = submit(signed(claim(), $soon));
    is $res->status, 202, "expires within 30 days: accepted";
    like $res->body, qr/signature\.expires-soon/, "with a warning";

    my $pins = $world->dir . "/pins.txt";
    spew($pins, "# who signs for whom\n99001 "
        . $world->sha256_of($rsa) . "\n");
    policy("claim required ca=$ca pins=$pins");

    is submit(signed(claim(), $rsa))->status, 202, "the pinned one";
    $res = submit(signed(claim(), $ec));
    is $res->code, "signature.untrusted", "not the pinned one";
    is codes($res), "signature.facility", "signature.facility";
};

subtest "wrong fields and a wrong signature" => sub {
    my $res = submit($changed->(signed(
        claim(set => { XML1 => { NGAY_SINH => "x" } }), $rsa)));

    is $res->code, "document.invalid", "fields are the problem";
    like codes($res), qr/signature\.digest/, "the signature is told as well";
    like codes($res), qr/xml1\.ngay_sinh/, "and so is the field";
};

subtest "hostile" => sub {
    policy("claim when-present ca=$ca");

    my $good = signed(claim(), $rsa);
    my %bad = (
        "signature.uri" =>
            $good =~ s{URI=""}{URI="file:///etc/passwd"}r,
        "signature.transform" =>
            $good =~ s{\Q$dsig\Eenveloped-signature}
                      {http://www.w3.org/TR/1999/REC-xslt-19991116}r,
        "signature.method" => $good =~ s{rsa-sha256}{hmac-sha256}r,
        "signature.digest-method" => $good =~ s{\Q$sha256\E}{${dsig}sha1}r,
        "signature.no-certificate" =>
            $good =~ s{<KeyInfo>.*</KeyInfo>}{}sr,
        "signature.several" =>
            $good =~ s{(<Signature .*</Signature>)}{$1$1}sr,
        "signature.comment" => $good =~ s{<NGAYLAP>}{<NGAYLAP><!---->}r,
        "signature.place" => $good =~ s{<CHUKYDONVI>}{<CHUKYDONVI>x}r,
    );

    for my $code (sort keys %bad) {
        my $res = submit($bad{$code});
        is codes($res), $code, $code;
        is $res->code, "signature.invalid", "$code: signature.invalid";
    }

    is submit($good)->status, 202, "and the worker serves the next one";
};

subtest "configuration" => sub {
    my $pins = $world->dir . "/bad-pins.txt";
    spew($pins, "99001 nothing\n");
    $world->allow(qr/\[emerg\].*ehr_signature.* in \S+nginx\.conf:/);

    for my $row ("claim required", "claim sometimes ca=$ca",
        "bill required ca=$ca", "prescription required ca=$ca",
        "claim required ca=/nonexistent", "claim required ca=$pins",
        "claim required ca=$ca pins=$pins", "claim required ca=$ca crl=x",
        "claim off; ehr_signature claim off")
    {
        my ($is_good, $said) = $world->nginx_t(http => "ehr_signature $row;");
        ok !$is_good, "refused: $row";
        like $said, qr/ehr_signature/, "and said";
    }

    my ($is_good, $said) = $world->nginx_t(
        http => "ehr_signature driver_exam required ca=$ca sha1=on;\n"
            . "ehr_signature claim off;");
    ok $is_good, "good" or diag $said;
};

subtest "the page lists what the code can find" => sub {
    my $code = slurp("$Bin/../ngx_ehr_module/core/ehr_signature_parts.h");
    my $page = slurp("$Bin/../docs/signatures.md");
    my @made = $code =~ /^    X\(\w+, \w+, "(signature\.[\w-]+)"/mg;
    my @told = $page =~ /^\| `(signature\.[\w-]+)` \|/mg;

    is_deeply \@told, \@made, "docs/signatures.md";
};

$world->finish;
done_testing();
