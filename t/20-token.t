#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The token endpoint gives what RFC 6749, 8705 and 9068 say; a document is
# taken only with a token of this facility, on this certificate, with this
# scope; nothing else opens the door, and each refusal says why.

use strict;
use warnings;

use FindBin qw($Bin);
use JSON::PP ();
use Test::More;

use lib "$Bin/lib";
use EHR::Document;
use EHR::Token;
use EHR::World;

my $world = EHR::World->new(workers => 2, sim => 0, redis => 0,
    rate => "off", cert_rate => "off");
$world->start;
$world->enrol("99001");
$world->enrol("99002");

my $pki = $world->{pki};
my $client = $world->client("99001");
my $issuer = issuer($client);

sub issuer {
    my ($c) = @_;

    return $c->get("/.well-known/oauth-authorization-server")->json->{issuer};
}

sub grant {
    my ($c, $form) = @_;

    return $c->request("POST", "/oauth2/token", headers =>
        [ "Content-Type" => "application/x-www-form-urlencoded" ],
        body => $form);
}

sub submit {
    my ($c, $token, $doc) = @_;

    $doc ||= EHR::Document->checkin(facility => "99001");

    return $c->request("POST", "/v1/documents", headers => [
        "Content-Type" => "application/xml",
        defined $token ? ("Authorization" => $token) : () ],
        body => $doc->bytes);
}

sub mint {
    my (%o) = @_;

    return "Bearer " . EHR::Token->mint(key => "$pki/token-issuer.pem",
        cert => "$pki/99001.pem", facility => "99001", issuer => $issuer,
        %o);
}

subtest "the token endpoint" => sub {
    my $res = grant($client, "grant_type=client_credentials");
    is $res->status, 200, "a token is given";
    is $res->header("Cache-Control"), "no-store", "and not to be kept";
    is $res->header("Pragma"), "no-cache", "by anybody";
    is $res->json->{token_type}, "Bearer", "a bearer token";
    is $res->json->{expires_in}, 600, "for ten minutes";

    my $claims = EHR::Token::claims($res->json->{access_token});
    my $header = EHR::Token::header($res->json->{access_token});
    is $header->{typ}, "at+jwt", "RFC 9068's type";
    is $header->{alg}, "ES256", "ES256";
    is $claims->{sub}, "99001", "of the certificate's facility";
    is $claims->{client_id}, "99001", "its client";
    is $claims->{iss}, $issuer, "issuer";
    ok $claims->{cnf}{"x5t#S256"}, "bound to the certificate";
    like $claims->{jti}, qr/^[0-9a-f-]{36}$/, "with an id of its own";

    my ($jwk) = grep { $_->{kid} eq $header->{kid} }
        @{ $client->get("/.well-known/jwks.json")->json->{keys} };
    ok $jwk, "its key is published";
    ok EHR::Token::verify($res->json->{access_token}, $jwk),
        "and verifies it";

    $res = grant($client,
        "grant_type=client_credentials&scope=documents%3Aread");
    is $res->json->{scope}, "documents:read", "less scope on request";

    my @wrong = (
        [ "",                             "invalid_request" ],
        [ "grant_type=password",          "unsupported_grant_type" ],
        [ "grant_type=client_credentials&grant_type=client_credentials",
          "invalid_request" ],
        [ "grant_type=client_credentials&scope=root", "invalid_scope" ],
        [ "grant_type=client_credentials&client_id=99002",
          "invalid_client" ],
    );

    for my $w (@wrong) {
        next if $w->[0] eq "";
        $res = grant($client, $w->[0]);
        is $res->status, 400, "refused: $w->[0]";
        is $res->json->{error}, $w->[1], "as $w->[1]";
    }

    $res = grant($client, "");
    is $res->status, 400, "an empty form";
    is $res->json->{error}, "invalid_request", "is refused as RFC 6749 has it";
    is $res->header("Pragma"), "no-cache", "and not to be kept either";

    is $client->request("POST", "/oauth2/token", headers =>
        [ "Content-Encoding" => "gzip" ],
        body => "grant_type=client_credentials")->code, "body.type",
        "a coded form is refused";
};

subtest "what a token must be" => sub {
    is submit($client, mint())->status, 202, "a right one opens";
    is submit($client, mint(key => "$pki/token-issuer.pem",
        header => { typ => "application/at+jwt" }))->status, 202,
        "with the long name of its type";

    my $res = submit($client, undef);
    is $res->status, 401, "none: 401";
    is $res->code, "token.missing", "token.missing";
    like $res->header("WWW-Authenticate"), qr/^Bearer/, "with a challenge";

    my $now = time;
    my @wrong = (
        [ "expired", "token.expired",
          claims => { exp => $now - 60, iat => $now - 700,
                      nbf => $now - 700 } ],
        [ "not yet valid", "token.invalid",
          claims => { nbf => $now + 300 } ],
        [ "issued in the future", "token.invalid",
          claims => { iat => $now + 300 } ],
        [ "another issuer", "token.invalid",
          claims => { iss => "https://elsewhere.invalid" } ],
        [ "another audience", "token.invalid",
          claims => { aud => "https://elsewhere.invalid" } ],
        [ "another facility", "token.invalid",
          claims => { sub => "99002", client_id => "99002" } ],
        [ "sub is not client_id", "token.invalid",
          claims => { client_id => "99002" } ],
        [ "typ JWT", "token.invalid", header => { typ => "JWT" } ],
        [ "unknown kid", "token.invalid", header => { kid => "x" } ],
        [ "alg RS256 with an EC key", "token.invalid",
          header => { alg => "RS256" } ],
        [ "alg none", "token.invalid", header => { alg => "none" } ],
        [ "unknown crit", "token.invalid", header => { crit => ["x"] } ],
        [ "embedded key", "token.invalid",
          header => { jwk => { kty => "EC" } } ],
        [ "bound to another certificate", "token.not-bound",
          cert => "$pki/99002.pem" ],
        [ "not bound at all", "token.invalid", claims => { cnf => undef } ],
        ( map { [ "without $_", "token.invalid", claims => { $_ => undef } ] }
            qw(iss aud exp nbf iat sub client_id jti scope) ),
    );

    for my $w (@wrong) {
        my ($name, $code, %o) = @$w;
        $res = submit($client, mint(%o));
        is $res->status, 401, "$name: 401";
        is $res->code, $code, "$name: $code";
        like $res->header("WWW-Authenticate"), qr/invalid_token/,
            "$name: RFC 6750";
    }

    $res = submit($client, "Bearer " . "a" x 9000);
    ok $res->status == 401 || $res->status == 431, "9 kB is refused";
    is submit($client, "Bearer a.b.c")->code, "token.invalid", "no JWT";
    is submit($client, "Basic eDp5")->code, "token.invalid", "not a bearer";
};

subtest "scope" => sub {
    my $read = mint(claims => { scope => "documents:read" });
    my $res = submit($client, $read);
    is $res->status, 403, "reading is not submitting";
    is $res->code, "token.scope", "token.scope";
    like $res->header("WWW-Authenticate"), qr/insufficient_scope/,
        "with a challenge";
    is $client->get("/v1/documents", "Authorization" => $read)->status, 200,
        "but reading";

    my $write = mint(claims => { scope => "documents:submit" });
    is $client->get("/v1/documents", "Authorization" => $write)->code,
        "token.scope", "and not the other way round";
};

subtest "the cache of verified tokens" => sub {
    my $hits = sub {
        $world->metric('ehr_token_cache_total{result="hit"}');
    };
    my $before = $hits->();
    my $token = mint();

    submit($client, $token) for 1 .. 4;
    cmp_ok $hits->(), ">=", $before + 3, "verified once, known thrice";

    my $other = $world->client("99002");
    is submit($other, $token,
        EHR::Document->checkin(facility => "99002"))->code,
        "token.not-bound", "a known token is bound to its certificate";
};

subtest "suspension voids tokens for good" => sub {
    my $token = mint(claims => { iat => time() - 5, nbf => time() - 5 });
    is submit($client, $token)->status, 202, "it opens";

    is $world->admin("POST", "/admin/v1/facilities/99001/suspend",
        { reason => "test" })->status, 200, "suspended";
    is submit($client, $token)->code, "facility.suspended",
        "no worker takes it any more" for 1 .. 4;

    is $world->admin("POST", "/admin/v1/facilities/99001/resume",
        {})->status, 200, "resumed";
    is submit($client, $token)->code, "token.invalid",
        "the old token stays void";

    # iat counts whole seconds
    my $fresh = EHR::World::wait_for(5, sub {
        my $t = grant($client, "grant_type=client_credentials")->json;
        my $res = submit($client, "Bearer $t->{access_token}");
        return $res->status == 202;
    });
    ok $fresh, "a new one opens";
};

$world->finish;


# Rotation: two keys are valid at once, an RSA one among them.

my $rsa = "$world->{dir}/old-rsa.pem";
system("openssl", "genrsa", "-out", $rsa, "2048") == 0
    or die "openssl genrsa failed" if !-e $rsa;

my $second = EHR::World->new(workers => 1, sim => 0, redis => 0,
    rate => "off", cert_rate => "off", http => "ehr_token_key $rsa;");
$second->start;
$second->enrol("99001");

subtest "two keys" => sub {
    my $c = $second->client("99001");
    $issuer = issuer($c);

    is scalar(@{ $c->get("/.well-known/jwks.json")->json->{keys} }), 3,
        "two for tokens, one for receipts";
    is submit($c, mint())->status, 202, "the first signs and verifies";
    is submit($c, mint(key => $rsa))->status, 202, "the second verifies";
    is submit($c, mint(key => "$pki/receipt.pem"))->code, "token.invalid",
        "the receipts' key verifies no token";
};

$second->finish;

done_testing();
