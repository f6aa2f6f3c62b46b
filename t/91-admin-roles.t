#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Who may do what through the admin API: the role belongs to the certificate,
# a certificate that is no administrator's gets nothing, and neither a header
# nor a facility's own certificate makes one.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(accepted_id);
use EHR::Document;
use EHR::Util qw(slurp top);
use EHR::World;

my $api = "/admin/v1/facilities";
my @roles = qw(viewer auditor operator admin);

my $world = EHR::World->new(sim => 0, redis => 0);
$world->start;

my %pem = map { $_ => $world->issue("role-$_", ca => "admin-ca",
                                    "--cn", "role $_") } @roles, "nobody";

$world->reconfigure(http => join("\n    ", map {
    "ehr_administrator $_ " . $world->sha256_of($pem{$_}) . " the-$_;"
} @roles));

$world->enrol("99001");

my $cert = slurp($world->issue("more", "--cn", "99001"));


sub call {
    my ($role, $method, $path, $json) = @_;

    local $world->{admin_client} = $world->admin_client($pem{$role});

    return $world->admin($method, $path, $json);
}


# --- the table of docs/admin-api.md -----------------------------------------

my $doc = EHR::Document->checkin(facility => "99001");
my $id = accepted_id($world->submit($world->client("99001"), $doc));
my $job = $world->admin("POST", "/admin/v1/documents/hold",
                        { filter => { facility => "99002" },
                          reason => "x" })->json->{id};
my %one = (id => $id, reason => "x");
my %many = (filter => { partner => "insurance", state => "held" },
            reason => "x");

my @calls = (
    [ read     => "GET", $api ],
    [ read     => "GET", "$api/99001" ],
    [ operate  => "POST", "$api/99001/suspend", { reason => "x" } ],
    [ operate  => "POST", "$api/99001/resume", {} ],
    [ change   => "POST", $api, { code => "99003", name => "x" } ],
    [ change   => "POST", "$api/99001/certificates",
      { certificate => $cert } ],
    [ change   => "DELETE", "$api/99001/certificates/" . "0" x 64 ],

    [ read     => "GET", "/admin/v1/partners" ],
    [ read     => "GET", "/admin/v1/partners/insurance" ],
    [ operate  => "POST", "/admin/v1/partners/insurance/pause",
      { reason => "x" } ],
    [ operate  => "POST", "/admin/v1/partners/insurance/resume", {} ],
    [ operate  => "POST", "/admin/v1/partners/insurance/probe", {} ],

    [ read     => "GET", "/admin/v1/documents/$id" ],
    [ read     => "GET", "/admin/v1/deliveries" ],
    (map { [ operate => "POST", "/admin/v1/documents/$_", { %one } ],
           [ operate => "POST", "/admin/v1/documents/$_", { %many } ] }
         qw(hold release replay)),

    [ read     => "GET", "/admin/v1/jobs" ],
    [ read     => "GET", "/admin/v1/jobs/$job" ],
    (map { [ operate => "POST", "/admin/v1/jobs/$job/$_", {} ] }
         qw(pause resume cancel)),

    [ read     => "GET", "/admin/v1/reports/doctor" ],
);

my %may = (
    viewer   => { read => 1 },
    auditor  => { read => 1 },
    operator => { read => 1, operate => 1 },
    admin    => { read => 1, operate => 1, change => 1 },
);

# Every call that the document lists is tried here, and with the right that
# it says.

my %named = (read => "read", operate => "operator", change => "admin");
my %tried;

for (@calls) {
    my ($right, $method, $path) = @$_;

    $path =~ s{/99001\b}{/{code}};
    $path =~ s{/0{64}$}{/{sha256}};
    $path =~ s{/\Q$id\E$}{/{id}};
    $path =~ s{/jobs/$job\b}{/jobs/{number}};
    $path =~ s{/partners/insurance\b}{/partners/{name}};
    $tried{"$method $path"} = $named{$right};
}

my %listed;

for (grep { /^\| `(?:GET|POST|DELETE) / }
     split(/\n/, slurp(top() . "/docs/admin-api.md")))
{
    my ($calls, undef, $right) = /^\| (.*?) \| (.*?) \| (\w+) \|$/;
    my $folder = "";

    for my $call ($calls =~ /`([^`]+)`/g) {
        $call =~ s/\[.*//;
        $call =~ s{^\x{e2}\x{80}\x{a6}|^\x{2026}}{$folder};
        $folder = $call =~ s{/\w+$}{}r;
        $listed{$call} = $right;
    }
}

is_deeply(\%tried, \%listed, "every call of docs/admin-api.md, by its right");

for my $role (@roles) {
    for my $call (@calls) {
        my ($right, $method, $path, $json) = @$call;

        my $change = $method eq "GET" ? "" : "?dry_run=true";
        my $res = call($role, $method, "$path$change", $json);

        if ($may{$role}{$right}) {
            # what is not there, or not to be done now, is another refusal
            like($res->status, qr/^(?:200|404|409)$/,
                 "$role may $method $path");

        } else {
            is($res->status, 403, "$role may not $method $path");
            is($res->code, "role.not-allowed", "and hears why");
            like($res->json->{detail}, qr/Vai tr\x{f2}/, "by role");
        }
    }
}

is($world->admin("GET", "$api/99001")->json->{version}, 2,
   "nothing of this changed anything");
is($world->admin("GET", "/admin/v1/partners/insurance")->json->{version}, 0,
   "nor at the partner");
is($world->admin("GET", "/admin/v1/jobs")->json->{jobs}[0]{id}, $job,
   "nor made a job");
like($world->admin("GET", "/admin/v1/documents/$id")->json->{deliveries}[0]
           {state}, qr/^(?:pending|sending|retrying)$/,
     "nor decided anything about the document");


# --- nobody -----------------------------------------------------------------

my $res = call("nobody", "GET", $api);
is($res->status, 403, "a certificate of the CA that is no administrator's");
is($res->code, "cert.unknown", "is unknown");
unlike($res->body, qr/99001/, "and sees nothing");

is(call("nobody", "GET", "/admin/v1/x")->status, 403,
   "it does not learn which paths there are");

for my $call (@calls) {
    my ($right, $method, $path, $json) = @$call;
    my $res = call("nobody", $method, $path, $json);

    is($res->status . " " . $res->code, "403 cert.unknown",
       "$method $path is not for it");
}

for my $header ("Client-Cert", "X-SSL-Client-Cert", "X-Forwarded-Client-Cert",
                "X-SSL-Client-SHA256")
{
    local $world->{admin_client} = $world->admin_client($pem{nobody});

    is($world->admin("GET", $api, undef,
                     $header => $world->sha256_of($pem{admin}))->status, 403,
       "$header makes no administrator");
}


# --- other doors ------------------------------------------------------------

my $hospital = $world->admin_client("99001");
$res = $hospital->try_connect ? $hospital->get($api) : undef;
ok(!$res || $res->status == 400, "a hospital's certificate does not get in");

my $naked = EHR::Client->new(port => $world->port("admin"),
                             ca => $world->pki . "/server-ca.pem");
$res = $naked->try_connect ? $naked->get($api) : undef;
ok(!$res || ($res->status == 400 && $res->code eq "cert.required"),
   "nor does no certificate");

$res = $world->client("99001")->get($api);
is($res->status, 404, "the gateway's own listener has no admin API");

is($world->ops($api)->status, 404, "nor has the listener for operations");


# --- audit ------------------------------------------------------------------

is(call("operator", "POST", "$api/99001/suspend", { reason => "x" })->status,
   200, "an operator suspends");

my $audit = qx{sqlite3 -readonly @{[ $world->journal ]} 'SELECT * FROM audit'};
like($audit, qr/the-operator/, "and the audit names the operator");
unlike($audit, qr/the-(?:viewer|auditor)/, "not those who were refused");

$world->finish;
done_testing();
