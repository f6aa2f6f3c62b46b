#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A driver's examination carries its facts twice: in JSON for the partner, and
# in the signed <root> of SIGNDATA.  Accepted is what is signed by whom it
# should be and says the same in both; whatever was changed, added, hidden or
# wrapped since is refused, on the field it concerns, and nothing is kept.

use strict;
use warnings;

use FindBin qw($Bin);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;

use lib "$Bin/lib";
use EHR::Document;
use EHR::Sign qw(sign_reference sign_xml $SIGN_DSIG);
use EHR::Util qw(slurp);
use EHR::World;

my $world = EHR::World->new(workers => 1, sim => 0, redis => 0,
    rate => "off", cert_rate => "off",
    routes => [ "claim insurance", "driver_exam off" ]);

$world->start;
$world->enrol("99001");

my $client = $world->client("99001");
my $ca = $world->pki . "/hospital-ca.pem";
my $rsa = $world->issue("signer-rsa", "--rsa");
my $ec = $world->issue("signer-ec");
my $foreign = $world->issue("signer-foreign", "ca", "server-ca");

my $json = JSON::PP->new->utf8->canonical;
my $sample = slurp("$Bin/samples/driver-exam-99001.json");
my $root = slurp("$Bin/samples/driver-exam-99001.xml");
my $enveloped = $SIGN_DSIG . "enveloped-signature";
my $serial = 0;


sub signed {
    my ($xml, $signer, %o) = @_;

    return sign_xml($xml, $signer, dir => $world->dir,
        is_rsa => $signer eq $rsa, %o);
}


# The examination as JSON with that XML inside; %change to its members.  Each
# has a number of its own, in both copies, unless the XML is signed already.

sub exam {
    my ($xml, %change) = @_;
    my $exam = { %{ $json->decode($sample) }, %change };

    $exam->{SIGNDATA} = encode_base64($xml, "");
    $exam->{SO} = $1 if !exists $change{SO} && $xml =~ m{<SO>([^<]*)</SO>};

    return EHR::Document->raw($json->encode($exam),
        type => "application/json");
}

sub numbered {
    my $so = sprintf("%05d/GKSKLX/99001/26", ++$serial);

    return $root =~ s{<SO>[^<]*}{<SO>$so}r;
}

sub submit { return $world->submit($client, @_) }

sub codes {
    my ($res) = @_;

    return join(" ", sort map { $_->{code} }
        grep { $_->{severity} eq "error" } @{ $res->json->{errors} || [] });
}

sub policy {
    my (@rows) = @_;

    $world->reconfigure(http => join("\n    ",
        map { "ehr_signature $_;" } @rows));
    $client = $world->client("99001");

    return;
}

# Refused: its problem and the codes of its errors.

sub refused {
    my ($doc, $problem, $codes, $name) = @_;
    my $res = submit($doc);

    is $res->code // "", $problem, "$name: $problem" or diag $res->body;
    is codes($res), $codes, "$name: $codes";

    return;
}


subtest "signed" => sub {
    policy("driver_exam required ca=$ca");

    for my $signer ($rsa, $ec) {
        my $doc = exam(signed(numbered(), $signer));
        my $res = submit($doc);

        is $res->status, 202, "JSON with a signed copy" or diag $res->body;
        is $world->get($client, "/v1/documents/" . $res->json->{id}
            . "/content")->body, $doc->bytes, "kept byte for byte";
    }

    my $res = submit(EHR::Document->raw(signed(numbered(), $rsa)));
    is $res->status, 202, "the signed XML by itself" or diag $res->body;

    $res = submit(exam(signed(numbered() =~ s{<root>}{<root Id="r">}r, $rsa,
        references => sign_reference("#r", $enveloped))));
    is $res->status, 202, "the root by its Id" or diag $res->body;
};

subtest "not signed" => sub {
    refused(exam(numbered()), "signature.required", "signature.missing",
        "no signature");
    refused(exam("test"), "document.malformed", "signdata.xml",
        "a word for a trial run");

    my $doc = $json->decode($sample);
    delete $doc->{SIGNDATA};
    refused(EHR::Document->raw($json->encode($doc),
        type => "application/json"), "document.invalid",
        "driver_exam.signdata.missing signature.missing", "no copy at all");
};

subtest "changed since" => sub {
    my $xml = signed(numbered(), $rsa);

    refused(exam($xml =~ s{A0-1}{A0-3}r, KETLUAN => "A0-3"),
        "signature.invalid", "signature.digest", "the signed copy");
    refused(exam($xml, KETLUAN => "A0-3"), "document.invalid",
        "driver_exam.ketluan.disagrees", "the JSON");
    refused(exam($xml, HANGBANGLAI => "C"), "document.invalid",
        "driver_exam.hangbanglai.disagrees", "the licence in the JSON");
    refused(exam($xml, NGAYKHAMLAI => "20/03/2027"), "document.invalid",
        "driver_exam.ngaykhamlai.disagrees",
        "what the signed copy leaves empty");
    refused(exam($xml =~ s{</root>}{<LYDO>x</LYDO></root>}r),
        "document.invalid", "signature.digest signdata.lydo.duplicate",
        "a second value");

    my $other = numbered();
    refused(exam($xml, SO => ($other =~ m{<SO>([^<]*)})[0]),
        "document.invalid", "driver_exam.so.disagrees",
        "another examination's number");
};

subtest "who signs" => sub {
    refused(exam(signed(numbered(), $foreign)), "signature.untrusted",
        "signature.chain", "another authority's");

    my $old = signed(numbered(), $rsa, sha1 => 1);

    refused(exam($old), "signature.invalid", "signature.method", "SHA-1");
    policy("driver_exam required ca=$ca sha1=on");

    my $res = submit(exam($old));
    is $res->status, 202, "SHA-1, where it is allowed" or diag $res->body;
    refused(exam($old =~ s{A0-1}{A0-3}r, KETLUAN => "A0-3"),
        "signature.invalid", "signature.digest", "and changed since");
};

# A good signature somewhere in a document that says something else.

subtest "wrapped" => sub {
    policy("driver_exam required ca=$ca");

    my $fit = numbered() =~ s{A0-1}{A0-2}r;
    my $good = signed($fit =~ s{A0-2}{A0-1}r, $rsa);
    my $named = signed($fit =~ s{A0-2}{A0-1}r =~ s{<root>}{<root Id="r">}r,
        $rsa, references => sign_reference("#r", $enveloped));
    my ($signature) = $named =~ m{(<Signature .*</Signature>)}s;
    my $inner = $named =~ s{<\?xml[^>]*\?>\s*}{}r;
    my $evil = $fit =~ s{<\?xml[^>]*\?>\s*}{}r;
    my $object = $signature
        =~ s{</Signature>}{<Object>$inner</Object></Signature>}r;

    my %attack = (
        "the signed root inside another" =>
            $evil =~ s{</root>}{$inner</root>}r,
        "the signed root in the signature's Object" =>
            $evil =~ s{</root>}{$object</root>}r,
        "the signature alone, the signed root in a field" =>
            $evil =~ s{<UUID>.*?</UUID>}{<UUID>$inner</UUID>}r
                =~ s{</root>}{$signature</root>}r,
        "the same Id twice" => $evil =~ s{<root>}{<root Id="r">}r
            =~ s{</root>}{$inner$signature</root>}r,
        "two signatures" => $good =~ s{(<Signature .*</Signature>)}{$1$1}sr,
        "the signature in a field" => $good
            =~ s{(<Signature .*</Signature>)}{<MOBILE>$1</MOBILE>}sr,
        "facts behind a comment" => $good =~ s{<KETLUAN>}{<KETLUAN><!-- -->}r,
        "a document type" => $good
            =~ s{<root}{<!DOCTYPE root [<!ENTITY a "A0-2">]><root}r,
    );

    for my $name (sort keys %attack) {
        my $res = submit(exam($attack{$name}, KETLUAN => "A0-2"));

        like $res->status, qr/^4(00|22)$/, "$name: refused"
            or diag $res->body;
        like codes($res), qr/signature\.|\.xml\.|signdata\./,
            "$name: and not for the JSON alone" or diag $res->body;
    }

    is submit(exam($good))->status, 202, "what was signed is still good";
};

$world->finish;
done_testing();
