#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The registry of facilities through the admin API and through ehrctl: what is
# sent is checked whole, a change has a version, a dry run changes nothing,
# and a change is effective on every worker at once.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Token;
use EHR::Util qw(slurp);
use EHR::World;

my $api = "/admin/v1/facilities";

my $world = EHR::World->new(workers => 4, sim => 0, routes => [
    "claim insurance", "checkin insurance" ]);
$world->start;

my $pem = slurp($world->pki . "/99001.pem");
my $sha256 = $world->sha256_of($world->pki . "/99001.pem");


sub codes {
    my ($res) = @_;

    return [ sort map { $_->{code} } @{$res->json->{errors} || []} ];
}


# --- enrol ------------------------------------------------------------------

my $res = $world->admin("GET", $api);
is($res->status, 200, "an empty registry is a list");
is_deeply($res->json, { facilities => [], next_cursor => undef },
          "with nothing in it");

$res = $world->admin("POST", "$api?dry_run=true",
                     { code => "99001", name => "Mau" });
is($res->status, 200, "a dry run of an enrolment says how it would be");
is($res->json->{code}, "99001", "with the facility");
is($res->header("ETag"), undef, "that has no version to match");
is($world->admin("GET", "$api/99001")->status, 404, "and enrols nobody");

$res = $world->admin("POST", $api, {
    code => "99001", name => "B\x{1ec7}nh vi\x{1ec7}n M\x{1eab}u",
    standard => "qd3176", kinds => [ "claim", "checkin" ], rate => "90r/m",
    burst => 7,
});
is($res->status, 201, "a facility is enrolled");
is($res->header("Location"), "$api/99001", "the answer says where it is");
is($res->header("ETag"), '"1"', "and its version");

my $fac = $res->json;
like(delete $fac->{changed_at}, qr/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/,
     "and when it was changed");
is_deeply([ sort @{delete $fac->{kinds}} ], [ "checkin", "claim" ],
          "its kinds are kept");
is_deeply($fac, {
    code => "99001", name => "B\x{1ec7}nh vi\x{1ec7}n M\x{1eab}u",
    standard => "qd3176", state => "active", suspended_reason => "",
    rate => "90r/m", burst => 7, version => 1, certificates => [],
}, "and all the rest");

$res = $world->admin("GET", "$api/99001");
is($res->status, 200, "the facility is shown");
is($res->header("ETag"), '"1"', "with its version");
is($res->json->{name}, $fac->{name}, "and its name");

$res = $world->admin("POST", $api, { code => "99001", name => "x" });
is($res->status, 409, "the same code again is a conflict");
is($res->code, "conflict", "by its code");


# --- what is refused --------------------------------------------------------

$res = $world->admin("POST", $api,
                     { code => "9/1", rate => 5, burst => 0, x => 1 },
                     "Accept-Language" => "en");
is($res->status, 400, "a wrong facility is refused");
is($res->code, "parameter.invalid", "with the code of a wrong parameter");
is_deeply(codes($res), [ qw(body.unknown burst.range code.invalid
                            name.missing rate.type) ],
          "and all its errors at once");
is((grep { $_->{field} && $_->{field} eq "name" } @{$res->json->{errors}})[0]
       ->{message},
   "The member is required", "in the language asked for");

my $client = $world->admin_client;

sub post {
    my ($path, $body, @headers) = @_;

    return $client->request("POST", $path, body => $body,
                            headers => \@headers);
}

$res = post($api, '{"code":"1","code":"2","name":"a"}',
            "Content-Type" => "application/json");
is_deeply([ $res->status, codes($res) ], [ 400, [ "body.malformed" ] ],
          "a member given twice is refused");

is(post($api, '{"code":"1","name":"a"}', "Content-Type" => "text/xml")->code,
   "body.type", "a body that is not called JSON is refused");
is(post($api, '{"code":"1","name":"a"}')->code, "body.type",
   "and one that is called nothing");
is(post($api, '{"code":"1","name":"' . "a" x 70000 . '"}',
        "Content-Type" => "application/json; charset=utf-8")->code,
   "body.too-large", "and a large one");

is($world->admin("POST", "$api?dry_run=maybe", { code => 1 })->code,
   "parameter.invalid", "dry_run is true or false");

for my $query (qw(dry_run dryrun=true dry_run=true&x=1 dry-run=true)) {
    is($world->admin("POST", "$api/99001/suspend?$query",
                     { reason => "x" })->code,
       "parameter.invalid", "a change does not guess what $query means");
}

for my $path ("/admin/v1/", "/admin/v1/facility", "$api/", "$api/99009",
              "$api/99001/", "$api/99001/certificates/zz", "$api/9%2f1",
              "$api/99001/certificates/$sha256/x")
{
    my $method = $path =~ /certificates/ ? "DELETE" : "GET";
    is($world->admin($method, $path)->status, 404, "$path is not there");
}

for (
    [ "DELETE", $api, "GET, HEAD, POST" ],
    [ "PUT", "$api/99001", "GET, HEAD" ],
    [ "GET", "$api/99001/suspend", "POST" ],
    [ "POST", "$api/99001/certificates/$sha256", "DELETE" ],
) {
    my ($method, $path, $allow) = @$_;

    $res = $world->admin($method, $path);
    is($res->status, 405, "$method $path is not allowed");
    is($res->header("Allow"), $allow, "and the answer says what is");
}


# --- certificates -----------------------------------------------------------

my $certs = "$api/99001/certificates";

$res = $world->admin("POST", "$certs?dry_run=true", { certificate => $pem });
is($res->status, 200, "a dry run of a certificate");
is($res->json->{certificates}[0]{sha256}, $sha256, "shows it");
is_deeply($world->admin("GET", "$api/99001")->json->{certificates}, [],
          "and keeps nothing");

$res = $world->admin("POST", $certs, { certificate => $pem });
is($res->status, 201, "a certificate is enrolled");
is($res->header("ETag"), '"2"', "which raises the version");
is($res->json->{certificates}[0]{sha256}, $sha256, "by its digest");
like($res->json->{certificates}[0]{subject}, qr/99001/, "with its subject");

is($world->admin("POST", $certs, { certificate => $pem })->status, 409,
   "the same certificate again is a conflict");

my $key = slurp($world->pki . "/99001.key");
$res = $world->admin("POST", $certs, { certificate => "$pem$key" });
is_deeply([ $res->status, codes($res) ],
          [ 400, [ "certificate.private-key" ] ],
          "a private key is refused by name");
unlike($res->body, qr/BEGIN|@{[ substr($key, 60, 20) ]}/,
       "and does not come back");

my $old = $world->issue("old", "--cn", "99001",
                        "--start", "20200101000000Z",
                        "--end", "20210101000000Z");
is_deeply(codes($world->admin("POST", $certs,
                              { certificate => slurp($old) })),
          [ "certificate.expired" ], "an expired certificate is refused");

is_deeply(codes($world->admin("POST", $certs,
                              { certificate => "$pem$pem" })),
          [ "certificate.several" ], "two at once are refused");
is_deeply(codes($world->admin("POST", $certs, { certificate => "x" })),
          [ "certificate.invalid" ], "none at all is refused");

my $second = $world->issue("second", "--cn", "99001");
is($world->admin("POST", $certs, { certificate => slurp($second) })->status,
   201, "a second certificate is enrolled");

my $third = $world->issue("third", "--cn", "99001");
$res = $world->admin("POST", $certs, { certificate => slurp($third) },
                     "Accept-Language" => "en");
is($res->status, 409, "a third one is too many");
like($res->json->{detail}, qr/two certificates/, "which the answer says");

$res = $world->admin("DELETE", "$certs/" . $world->sha256_of($second));
is($res->status, 200, "a certificate is removed");
is(scalar(@{$res->json->{certificates}}), 1, "one is left");
is($world->admin("DELETE", "$certs/" . $world->sha256_of($second))->status,
   404, "it cannot be removed again");


# --- versions ---------------------------------------------------------------

my $version = $world->admin("GET", "$api/99001")->header("ETag");
my @reason = ({ reason => "kiem tra" });

for my $tag ('"1"', '"x"', "W/$version", '"0"', '"99999999999999999999"') {
    $res = $world->admin("POST", "$api/99001/suspend", @reason,
                         "If-Match" => $tag);
    is($res->status, 412, "If-Match: $tag does not match");
    is($res->code, "precondition.failed", "and is a precondition");
}

is($world->admin("POST", "$api/99001/suspend", @reason,
                 "If-Match" => "$version, \"1\"")->status, 400,
   "one tag only");
is($world->admin("POST", $api, { code => "99003", name => "a" },
                 "If-Match" => "*")->status, 412,
   "what is not there yet has no version");
is($world->admin("POST", "$api/99009/suspend", @reason,
                 "If-Match" => $version)->status, 404,
   "an unknown facility is not found, whatever the version");
is($world->admin("GET", "$api/99001")->json->{state}, "active",
   "and nothing of this changed anything");


# --- suspend and resume, on every worker ------------------------------------

# One connection for each worker and more, all of them before the change.

my @hospitals = map { $world->client("99001") } 1 .. 16;
# Of a minute ago: times in tokens are whole seconds.

my $token = EHR::Token->mint(
    key      => $world->pki . "/token-issuer.pem",
    cert     => $world->pki . "/99001.pem",
    facility => "99001",
    claims   => { iat => time() - 60, nbf => time() - 60 },
);
$_->{token} = $token for @hospitals;

my $list = "/v1/documents";
is($world->get($_, $list)->status, 200, "the facility is let in")
    for @hospitals;

is($world->admin("POST", "$api/99001/suspend", {})->status, 400,
   "a suspension needs a reason");

$res = $world->admin("POST", "$api/99001/suspend", @reason,
                     "If-Match" => $version);
is($res->status, 200, "it is suspended with the right version");
is($res->json->{state}, "suspended", "which is its state");
is($res->json->{suspended_reason}, "kiem tra", "with the reason");
cmp_ok($res->header("ETag"), "ne", $version, "and a new version");

is($world->get($_, $list)->code, "facility.suspended",
   "every worker refuses it at once") for @hospitals;

$res = $world->admin("POST", "$api/99001/resume", {}, "If-Match" => "*");
is($res->status, 200, "it is resumed");
is($res->json->{state}, "active", "which is its state");
is($res->json->{suspended_reason}, "", "without the reason");

is($world->get($_, $list)->status, 401, "its old token is void")
    for @hospitals;

$token = $world->token($hospitals[0]);
$_->{token} = $token for @hospitals;
is($world->get($_, $list)->status, 200, "a new one lets it in everywhere")
    for @hospitals;

is(post("$api/99001/resume", "")->status, 200, "resume needs no body");

$res = $world->admin("DELETE", "$certs/$sha256");
is($world->get($_, $list)->code, "cert.unknown",
   "a removed certificate is unknown at once") for @hospitals;


# --- pages ------------------------------------------------------------------

$world->admin("POST", $api, { code => "T$_", name => "a" }) for 10 .. 16;

my @seen;
my $cursor = "";

for (1 .. 10) {
    $res = $world->admin("GET", "$api?limit=3$cursor");
    push @seen, map { $_->{code} } @{$res->json->{facilities}};
    last unless defined $res->json->{next_cursor};
    $cursor = "&cursor=" . $res->json->{next_cursor};
}

is_deeply(\@seen, [ "99001", map { "T$_" } 10 .. 16 ],
          "pages give every facility once, in order");

is($world->admin("GET", "$api?$_")->code, "parameter.invalid",
   "$_ is refused")
    for "limit=0", "limit=101", "limit=x", "cursor=!", "cursor=AA==",
        "cursor=LQ";

is($client->request("HEAD", "$api/99001")->status, 200, "HEAD is GET");


# --- audit ------------------------------------------------------------------

my $audit = qx{sqlite3 -readonly @{[ $world->journal ]} 'SELECT * FROM audit'};
like($audit, qr/development/, "the audit names the administrator");
unlike($audit, qr/kiem tra/, "and repeats no text that was typed");

$world->finish;
done_testing();
