#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Every kind of document at the door: told by its content and nothing else,
# validated whether or not somebody would take it, and refused with a reason
# when nobody does.

use strict;
use warnings;

use FindBin qw($Bin);
use Test::More;

use lib "$Bin/lib";
use EHR::Document;
use EHR::Util qw(slurp);
use EHR::World;

my $world = EHR::World->new(workers => 1, sim => 0, redis => 0,
    rate => "off", cert_rate => "off");
$world->start;
$world->enrol("99001");
$world->enrol("99002");

my %samples = (
    checkin            => [ "checkin-99001.xml", "99001-20260105-0001" ],
    claim              => [ "claim-99001-all.xml",
                            "99001/99001-20260105-0015" ],
    medical_assessment => [ "medical-assessment-99001.xml",
                            "0001/GDYK/2026" ],
    birth_notice       => [ "birth-99001.xml", "00001.GCS.99001.26" ],
    death_notice       => [ "death-99001.xml", "00001.GBT.99001.26" ],
    voucher            => [ "voucher-99001.xml", "99001/CT03/26.000123" ],
    driver_exam        => [ "driver-exam-99001.json",
                            "00001/GKSKLX/99001/26/B" ],
    prescription       => [ "prescription-99001.json", "99001abc12de-c" ],
);

my %taken = map { $_ => 1 } qw(checkin claim);

sub document {
    my ($file, $change) = @_;

    my $bytes = slurp("$Bin/samples/$file");

    $bytes = $change->($bytes) if $change;

    return EHR::Document->raw($bytes, type => $file =~ /json$/
        ? "application/json" : "application/xml");
}


sub validate {
    my ($doc, $facility, @headers) = @_;

    return $world->submit($world->client($facility // "99001"), $doc,
        path => "/v1/documents?validate_only=true", @headers);
}


subtest "every kind is recognised and validated" => sub {
    for my $kind (sort keys %samples) {
        my ($file, $key) = @{ $samples{$kind} };
        my $res = validate(document($file));

        is $res->status, 200, "$kind is valid"
            or diag explain $res->json;
        is $res->json->{kind}, $kind, "is what it is";
        is $res->json->{business_key}, $key, "filed under its own number";
        is_deeply $res->json->{routes}, $taken{$kind} ? ["insurance"] : [],
            "goes where it goes"
            or diag explain $res->json->{routes};
    }
};

subtest "a thousand short papers in one file" => sub {
    my $res = validate(document("voucher-99001.xml", sub {
        my ($file) = $_[0] =~ m{(<FILEHOSO>.*?</FILEHOSO>)}s;

        return $_[0] =~ s{\Q$file\E}{$file x 1000}er
            =~ s{<SOLUONGHOSO>1<}{<SOLUONGHOSO>1000<}r;
    }));

    is $res->status, 200, "are valid" or diag explain $res->json;
};

subtest "a kind without a partner is refused when it is sent" => sub {
    for my $kind (grep { !$taken{$_} } sort keys %samples) {
        my $res = $world->submit($world->client("99001"),
            document($samples{$kind}[0]));

        is $res->status, 422, "$kind";
        is $res->code, "document.unknown-kind", "has nobody to go to";
    }
};

subtest "another facility's" => sub {
    for my $kind (qw(birth_notice death_notice voucher driver_exam)) {
        my $res = validate(document($samples{$kind}[0]), "99002");

        is $res->status, 403, $kind;
        is $res->code, "facility.mismatch", "facility.mismatch";
    }
};

subtest "findings of JSON" => sub {
    my $res = validate(document("driver-exam-99001.json", sub {
        return $_[0] =~ s/"KETLUAN": "A0-1"/"KETLUAN": "A0-9"/r
            =~ s{"NGAYSINH": "15/06/1990"}{"NGAYSINH": "1990-06-15"}r;
    }), "99001", "Accept-Language" => "en");
    my %found = map { $_->{code} => $_ } @{ $res->json->{errors} };

    is $res->status, 422, "refused";
    is $found{"driver_exam.ketluan.code"}{path}, '$.KETLUAN', "a code";
    is $found{"driver_exam.ngaysinh.date"}{path}, '$.NGAYSINH', "a date";
    is $found{"driver_exam.ketluan.disagrees"}{severity}, "error",
        "and what the signed copy says otherwise";
    unlike $res->body, qr/A0-9|1990-06-15/, "no value is repeated";

    $res = validate(EHR::Document->raw('{"SO":"1","SO":"2"}',
        type => "application/json"));
    is $res->status, 400, "a name twice";
    is $res->code, "document.malformed", "is malformed";

    $res = validate(EHR::Document->raw('[' x 100_000,
        type => "application/json"));
    is $res->code, "document.malformed", "nested too deeply";

    $res = validate(EHR::Document->raw('{"a":1}',
        type => "application/json"));
    is $res->code, "document.unknown-kind", "of no kind";
};

subtest "the client's word counts for nothing" => sub {
    my $res = validate(EHR::Document->raw(
        slurp("$Bin/samples/driver-exam-99001.json"),
        type => "application/xml"));

    is $res->code, "document.malformed", "JSON called XML is no XML";
};

subtest "each uncertain fact is a setting" => sub {
    my $doubtful = document("birth-99001.xml", sub {
        return $_[0] =~ s/<GIOI_TINH_CON>2</<GIOI_TINH_CON>7</r;
    });
    my $res = validate($doubtful);

    is $res->status, 200, "a warning by itself";
    is $res->json->{warnings}[0]{code}, "hsdlgcs.gioi_tinh_con.code",
        "that is told";

    $world->reconfigure(http => "ehr_finding hsdlgcs.gioi_tinh_con error;");
    is validate($doubtful)->status, 422, "an error when it is set so";

    $world->reconfigure(http => "ehr_finding hsdlgcs.gioi_tinh_con off;");
    $res = validate($doubtful);
    is $res->status, 200, "or nothing";
    is_deeply $res->json->{warnings}, [], "at all";
};

$world->finish;
done_testing();
