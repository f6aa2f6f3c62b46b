#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The same bytes of a facility are one submission, however often they come;
# a key stands for one content; a correction is a new submission; what cannot
# be stored is not acknowledged, and says so.

use strict;
use warnings;

use FindBin qw($Bin);
use Test::More;

use lib "$Bin/lib";
use EHR::Document;
use EHR::Token;
use EHR::Util qw(wait_for);
use EHR::World;

my $world = EHR::World->new(workers => 2, redis => 0, rate => "off",
    cert_rate => "off");
$world->start;
$world->enrol("99001");
$world->enrol("99002");

my $client = $world->client("99001");
my $other = $world->client("99002");

subtest "the receipt" => sub {
    my $doc = EHR::Document->claim(facility => "99001");
    my $res = $world->submit($client, $doc);
    my $got = $res->json;

    is $res->status, 202, "accepted";
    is $res->header("Location"), "/v1/documents/$got->{id}", "Location";
    like $got->{id},
        qr/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-/,
        "a UUIDv7";
    is $got->{sha256}, $doc->sha256, "SHA-256 of the bytes sent";
    is $got->{size}, length $doc->bytes, "their number";
    is $got->{kind}, "claim", "the kind comes from the content";
    is $got->{facility}, "99001", "the facility from the certificate";
    is $got->{business_key}, "99001/" . $doc->key, "the business key";
    ok !$got->{duplicate}, "not a duplicate";

    my $claims = EHR::Token::claims($got->{receipt});
    my $header = EHR::Token::header($got->{receipt});
    my ($jwk) = grep { $_->{kid} eq $header->{kid} }
        @{ $client->get("/.well-known/jwks.json")->json->{keys} };
    ok $jwk && EHR::Token::verify($got->{receipt}, $jwk),
        "the receipt's signature is good";
    is $claims->{$_}, $got->{$_}, "the receipt says the same $_"
        for qw(id facility kind business_key sha256 size received_at);

    my $auth = "Bearer " . $world->token("99001");
    $res = $client->get("/v1/documents/$got->{id}/receipt",
        "Authorization" => $auth);
    is $res->header("Content-Type"), "application/jose", "to be had again";
    ok EHR::Token::verify($res->body, $jwk), "and good again";

    $res = $client->get("/v1/documents/$got->{id}/content",
        "Authorization" => $auth);
    is $res->body, $doc->bytes, "the bytes as received";
    is $res->header("Content-Type"), "application/xml", "with their type";

    for my $path ("", "/receipt", "/content") {
        $res = $other->get("/v1/documents/$got->{id}$path",
            "Authorization" => "Bearer " . $world->token("99002"));
        is $res->status, 404, "another facility sees nothing of it";
    }

    my $none = $client->get(
        "/v1/documents/01900000-0000-7000-8000-000000000000",
        "Authorization" => $auth);
    is $none->code, "not-found", "as of one that does not exist";
};

subtest "the same bytes again" => sub {
    my $doc = EHR::Document->checkin(facility => "99001");
    my $first = $world->submit($client, $doc)->json;
    my $again = $world->submit($client, $doc);

    is $again->status, 200, "answered";
    is $again->json->{id}, $first->{id}, "the same id";
    ok $again->json->{duplicate}, "said to be a duplicate";
    is EHR::Token::claims($again->json->{receipt})->{id}, $first->{id},
        "with its receipt";

    $world->wait_settled($client, $first->{id}, 20);
    is scalar(grep { $_->{sha256} eq $doc->sha256 } $world->sim->received),
        1, "sent once";

    $world->reload;

    # nginx closes idle connections of the old workers
    $client = $world->client("99001");
    $other = $world->client("99002");
    is $world->submit($client, $doc)->json->{id}, $first->{id},
        "also after a reload";
};

subtest "keys" => sub {
    my $one = EHR::Document->checkin(facility => "99001");
    my $two = EHR::Document->checkin(facility => "99001");
    my @key = ("Idempotency-Key" => "key-1");

    my $first = $world->submit($client, $one, @key);
    is $first->status, 202, "a key with its content";
    my $again = $world->submit($client, $one, @key);
    is $again->json->{id}, $first->json->{id}, "again: the same";

    my $res = $world->submit($client, $two, @key);
    is $res->status, 422, "with other content: refused";
    is $res->code, "idempotency.key-reused", "idempotency.key-reused";

    is $world->submit($client, $two)->status, 202,
        "that content without the key is fine";

    my $doc = EHR::Document->checkin(facility => "99002");
    is $world->submit($other, $doc, @key)->status, 202,
        "keys of two facilities do not meet";

    my $long = "k" x 128;
    is $world->submit($client, EHR::Document->checkin(facility => "99001"),
        "Idempotency-Key" => $long)->status, 202, "128 characters";
    is $world->submit($client, EHR::Document->checkin(facility => "99001"),
        "Idempotency-Key" => $_)->code, "idempotency.key-invalid",
        "refused: " . (length($_) > 20 ? "129 characters" : "'$_'")
        for "k" x 129, "with space", "\xc4\x91";
};

subtest "a correction" => sub {
    $world->sim->mode("http-503");

    my $key = "99001-CORRECTED";
    my $old = EHR::Document->checkin(facility => "99001", key => $key);
    my $new = EHR::Document->checkin(facility => "99001", key => $key,
        set => { TEN_DICH_VU => "Khám lại" });

    my $first = $world->submit($client, $old)->json;

    my $auth = "Bearer " . $world->token("99001");
    ok wait_for(20, sub {
        $client->get("/v1/documents/$first->{id}", Authorization => $auth)
            ->json->{deliveries}[0]{state} eq "retrying";
    }), "the partner is away";

    my $second = $world->submit($client, $new)->json;
    isnt $second->{id}, $first->{id}, "a submission of its own";
    is $client->get("/v1/documents/$first->{id}", Authorization => $auth)
        ->json->{deliveries}[0]{state}, "superseded",
        "it takes the place of what had not left";

    $world->sim->mode("normal");
    my $state = $world->wait_settled($client, $second->{id}, 30);
    is $state->{deliveries}[0]{state}, "accepted", "the newest arrives";
    is scalar(grep { $_->{sha256} eq $old->sha256 } $world->sim->received),
        0, "the old one never left";
};

subtest "the list" => sub {
    my $auth = "Bearer " . $world->token("99001");
    my $list = sub {
        $client->get("/v1/documents$_[0]", Authorization => $auth);
    };

    my $all = $list->("")->json->{documents};
    cmp_ok scalar(@$all), ">=", 6, "all of the facility's own";
    is scalar(grep { $_->{facility} ne "99001" } @$all), 0, "and no other's";

    my @times = map { $_->{received_at} } @$all;
    is_deeply \@times, [ sort { $b cmp $a } @times ], "newest first";

    my (@paged, $cursor);
    for (1 .. 20) {
        my $page = $list->("?limit=2" . ($cursor ? "&cursor=$cursor" : ""))
            ->json;
        push @paged, map { $_->{id} } @{ $page->{documents} };
        $cursor = $page->{next_cursor} or last;
    }
    is_deeply \@paged, [ map { $_->{id} } @$all ], "page by page the same";

    is scalar(@{ $list->("?kind=claim")->json->{documents} }), 1, "by kind";
    is scalar(@{ $list->("?state=superseded")->json->{documents} }), 1,
        "by state";
    is scalar(@{ $list->("?business_key=99001-CORRECTED")->json
        ->{documents} }), 2, "by business key";
    is scalar(@{ $list->("?since=2999-01-01T00:00:00Z")->json
        ->{documents} }), 0, "by time";

    is $list->("?$_")->code, "parameter.invalid", "refused: $_"
        for qw(kind=x state=x since=yesterday limit=0 limit=101 cursor=x);
};

subtest "validate only" => sub {
    my $doc = EHR::Document->claim(facility => "99001");
    my $auth = "Bearer " . $world->token("99001");
    my $post = sub {
        my ($d) = @_;
        $client->request("POST", "/v1/documents?validate_only=true",
            headers => [ "Content-Type" => "application/xml",
                Authorization => $auth ], body => $d->bytes);
    };
    my $accepted = 'ehr_documents_total{result="accepted"}';
    my $before = $world->metric($accepted);

    my $res = $post->($doc);
    is $res->status, 200, "valid";
    is_deeply $res->json->{routes}, ["insurance"], "with its routes";
    is $world->metric($accepted), $before, "nothing is kept";

    $res = $post->(EHR::Document->claim(facility => "99001",
        set => { XML1 => { GIOI_TINH => "7" } }));
    is $res->code, "document.invalid", "findings as for a submission";
};

# Stored once, a document is a duplicate ever after: "refused" would say that
# nothing of it is here.

subtest "the same bytes under stricter rules" => sub {
    my $small = EHR::Document->checkin(facility => "99001");
    my $large = EHR::Document->claim(facility => "99001");
    my %first = map { $_->sha256 => $world->submit($client, $_)->json->{id} }
                $small, $large;
    my $pki = $world->pki;

    my $are_known = sub {
        my ($what) = @_;

        $client = $world->client("99001");

        for my $doc ($small, $large) {
            my $res = $world->submit($client, $doc, "Prefer" => "wait=5");

            is $res->status, 200, "$what: " . length($doc->bytes) . " bytes";
            is $res->json->{id}, $first{$doc->sha256}, "the same id";
            ok $res->json->{duplicate}, "a duplicate";
            is $res->json->{deliveries}[0]{partner}, "insurance",
                "with its deliveries";
        }
    };

    $world->reconfigure(http => join("", map { "ehr_signature $_ required "
        . "ca=$pki/hospital-ca.pem;\n" } qw(claim checkin)));
    $are_known->("signed");

    is $world->submit($client, EHR::Document->claim(facility => "99001"))
        ->code, "signature.required", "what is new is refused";
    is $world->submit($client, $small,
        path => "/v1/documents?validate_only=true")->code,
        "signature.required", "and who asks learns of the rules";
    is $world->submit($client, $small, "Content-Digest" =>
        "sha-256=:" . "A" x 43 . "=:")->code, "digest.mismatch",
        "bytes that are not the sender's stay refused";

    is $world->submit($world->client("99002"), $small)->code,
        "facility.mismatch", "to another facility they are unknown";

    $world->reconfigure(http => "", routes => [ "claim insurance" ]);
    $client = $world->client("99001");
    is $world->submit($client, $small)->json->{id}, $first{$small->sha256},
        "a kind without a partner now";
    is $world->submit($client, EHR::Document->checkin(facility => "99001"))
        ->code, "document.unknown-kind", "and new ones of it";
};

$world->finish;
done_testing();
