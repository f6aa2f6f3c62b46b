#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A reload is not noticed, nor a partner that is paused (ehrctl): no request
# fails, no delivery is lost or repeated, old workers finish what they have and
# leave.  A reload brings new plugin code and new settings, and a configuration
# with a doubt about it never takes over.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(delivery attempts accepted_id wait_state);
use EHR::Document;
use EHR::Load;
use EHR::Util qw(top build run spew slurp wait_for is_sanitized);
use EHR::World;

use constant {
    REQUESTS    => is_sanitized() ? 60 : 600,
    RATE        => is_sanitized() ? 15 : 150,
    DELIVER_SEC => 60,
};


# A partner plugin whose transaction code tells the version of its code.

sub compile {
    my ($path, %o) = @_;

    my $text = <<'EOT';
#include "ehr_plugin.h"

static const ehr_plugin_kind_t  kinds[] = {
    { "checkin", 1, 0 }, { NULL, 0, 0 }
};

static const char *
check(const ehr_host_t *host, ehr_call_t *call)
{
    return CHECK;
}

static int
prepare(const ehr_host_t *host, ehr_call_t *call, const ehr_delivery_t *dlv,
        ehr_request_t *request)
{
    request->method = (ehr_str_t) ehr_string("POST");
    request->path = (ehr_str_t) ehr_string("/version");

    return 0;
}

static int
judge(const ehr_host_t *host, ehr_call_t *call, const ehr_delivery_t *dlv,
      const ehr_answer_t *answer, ehr_outcome_t *outcome)
{
    outcome->kind = EHR_OUTCOME_ACCEPTED;
    outcome->partner_ref = (ehr_str_t) ehr_string(VERSION);

    return 0;
}

EHR_PLUGIN_EXPORT extern const ehr_plugin_t  SYMBOL;

const ehr_plugin_t  SYMBOL = {
    EHR_PLUGIN_INIT, .name = "version", .version = VERSION,
    .kinds = kinds, .check = check, .prepare = PREPARE, .judge = judge,
    OVER
};
EOT

    my %all = (VERSION => "\"v1\"", CHECK => "NULL", SYMBOL => "ehr_plugin",
               PREPARE => "prepare", OVER => "", %o);

    spew("$path.c", $text);

    # By rename: a running worker has the old file mapped.
    run("gcc", "-w", "-shared", "-fPIC", "-I",
        top() . "/ngx_ehr_module/include",
        (map { "-D$_=$all{$_}" } sort keys %all), "-o", "$path.new",
        "$path.c");
    rename("$path.new", $path) or die "cannot install $path: $!";

    return $path;
}


my $world = EHR::World->new(partner => "retry=50ms,200ms");
my $dir = $world->dir;
my $plugin = compile("$dir/version.so");

$world->{o}{partner} .= ";\n    ehr_partner version plugin=$plugin"
    . " location=/insurance retry=50ms,200ms";
$world->{o}{routes} = [ "claim insurance", "checkin version" ];

$world->start;
$world->enrol("99001");

my $sim = $world->sim;
my $client = $world->client("99001");
$client->{token} = $world->token($client);


sub reloaded {
    my (%o) = @_;

    $client->close;
    $world->reconfigure(%o);

    return;
}

sub claim {
    return EHR::Document->claim(facility => "99001", only => [ "XML1" ]);
}

sub version {
    my $res = $world->submit($client,
                             EHR::Document->checkin(facility => "99001"),
                             "Prefer" => "wait=10");

    return delivery($world, $client, accepted_id($res))->{partner_ref};
}


# --- under load -------------------------------------------------------------

# Half of the senders open a connection for each request: none of theirs
# fails.  On one that is kept alive the end of an old worker may cross the next
# request, as with any HTTP server: those send it again, once more, and it has
# not been taken the first time.  Old workers stay for connections that were
# opened and not used yet.

$sim->mode("slow", delay_ms => 50);

my ($once, $kept) = map {
    EHR::Load->new($world, claim => { only => [ "XML1" ] },
        options => [ @$_, "--connections", 10, "--requests", REQUESTS / 2,
                     "--rate", RATE / 2 ])->start
} [ "--once" ], [ "--retry", 3 ];

sub is_loaded { return $once->is_running || $kept->is_running }

sub taken {
    return $world->metric('ehr_documents_total{result="accepted"}') || 0;
}

$ENV{EHR_PKI} = $world->pki;
$ENV{EHR_ADMIN} = "https://localhost:" . $world->port("admin");

sub lane {
    my ($what) = @_;

    return run(build() . "/ehrctl", "partner", $what, "insurance",
               $what eq "pause" ? ("--reason", "a drill") : ());
}

my $reloads = 0;

while (is_loaded()) {
    my $taken = taken();

    lane($reloads % 2 ? "resume" : "pause");
    $world->reload(wait => 0);
    $reloads++;

    wait_for(10, sub {
        return !is_loaded() || taken() >= $taken + REQUESTS / 6;
    });
}

my ($result, $repeated) = map { $_->wait } $once, $kept;

lane("resume");
cmp_ok($reloads, ">", 2, "$reloads reloads under load");
is($once->status, 0, "no request failed");
is($result->{by_status}{202}, REQUESTS / 2,
   "each was accepted, at the first go");
is($kept->status, 0, "nor one on a connection that is kept alive");
is($repeated->{by_status}{202}, REQUESTS / 2, "each was accepted");
is($repeated->{duplicates}, 0,
   "and what was sent again ($repeated->{retries}) had not been taken");

wait_for(DELIVER_SEC, sub {
    return $sim->stats->{distinct_sha256} >= REQUESTS;
});

my $stats = $sim->stats;
is($stats->{distinct_sha256}, REQUESTS, "every document arrives");
is($stats->{duplicates}, 0, "none twice");
ok(wait_for(15, sub { $world->workers == 2 }), "the old workers have left");
$sim->mode("normal");


# --- what an old worker has begun, it ends ----------------------------------

$sim->mode("slow", count => 1, delay_ms => 1500);

my $doc = claim();
my $waiting = $world->client("99001");
$waiting->{token} = $world->token($waiting);

my ($head, $body) = $waiting->request_bytes("POST", "/v1/documents",
    headers => [ "Authorization" => "Bearer $waiting->{token}",
                 "Content-Type" => "application/xml",
                 "Prefer" => "wait=20" ],
    body => $doc->bytes);
$waiting->write($head . $body);

ok(wait_for(10, sub {
    grep { $_->{sha256} eq $doc->sha256 } $sim->received
}), "a document is with the partner");

my %old = map { $_ => 1 } $world->workers;
$world->reload(wait => 0);
$client->close;

ok(wait_for(10, sub { 2 == grep { !$old{$_} } $world->workers }),
   "new workers stand");

my $res = $world->submit($client, $doc);
my $id = accepted_id($res);
is($res->json->{deliveries}[0]{state}, "sending",
   "while an old one still waits for the partner");

$res = $waiting->read_response(timeout => 20);
is_deeply([ $res && $res->status, accepted_id($res) ], [ 200, $id ],
          "a client of the old worker gets its result");
is($res->header("Connection"), "close", "and is told that it is the last");

my $delivery = wait_state($world, $client, $id, "accepted");
is($delivery && $delivery->{attempts}, 1, "the attempt ends as it began");
ok(wait_for(10, sub { !grep { $old{$_} } $world->workers }),
   "and the old workers leave");


# --- new code ---------------------------------------------------------------

is(version(), "v1", "a plugin runs");

compile($plugin, VERSION => "\"v2\"");
is(version(), "v1", "its file is replaced: nobody notices");

$client->close;
$world->reload;
is(version(), "v2", "until the reload");


# --- new settings -----------------------------------------------------------

# A location that nobody configured: held, until the reload that mends it.

reloaded(partner => "retry=50ms,200ms location=/nowhere",
         routes => [ "claim insurance", "checkin insurance" ]);

$id = accepted_id($world->submit($client, claim(), "Prefer" => "wait=10"));
$delivery = delivery($world, $client, $id);

is_deeply([ @$delivery{qw(state reason)} ], [ "held", "config.location" ],
          "no such location: held");

reloaded(partner => "retry=50ms,200ms");
ok(wait_state($world, $client, $id, "accepted"), "mended: accepted");

# A partner that is gone from the configuration, and comes back.

$sim->stop;
$id = accepted_id($world->submit($client, claim()));
ok(wait_state($world, $client, $id, "retrying"), "a delivery waits");

compile($plugin, VERSION => "\"v3\"");
my $other = "retry=50ms,200ms;\n    ehr_partner version plugin=$plugin"
    . " location=/insurance";
reloaded(partner => $other, routes => [ "checkin version" ]);

like(delivery($world, $client, $id)->{state}, qr{^(retrying|sending)$},
   "its route is gone: it is kept");

$sim->start;
reloaded(partner => "retry=50ms,200ms", routes => [ "claim insurance" ]);
ok(wait_state($world, $client, $id, "accepted"), "and goes out");


# --- a bad configuration does not take over ---------------------------------

$world->allow(qr/concurrency= is 1 to 1024/);

%old = map { $_ => 1 } $world->workers;
reloaded(partner => "concurrency=0", wait => 0);

ok(wait_for(10, sub { $world->log("error") =~ /concurrency= is 1 to 1024/ }),
   "a bad configuration is refused");
is(scalar(grep { $old{$_} } $world->workers), 2, "the workers stay");
is(accepted_id($world->submit($client, claim(), "Prefer" => "wait=10"))
   ? 1 : 0, 1, "and work");

reloaded(partner => "retry=50ms,200ms");
$world->finish;


# --- what is refused --------------------------------------------------------

$world = EHR::World->new(redis => 0, sim => 0);
$dir = $world->dir;

sub is_refused {
    my ($what, $reason, %o) = @_;

    my ($is_good, $said) = $world->nginx_t(%o);

    ok(!$is_good && $said =~ $reason, "refused: $what") or diag($said);

    return;
}

sub with_plugin {
    my ($name, %o) = @_;

    my $path = compile("$dir/$name.so", %o);

    return (partner => "plugin=$path location=/insurance");
}

my ($is_good, $said) = $world->nginx_t(with_plugin("good"));
ok($is_good, "the plugin of this test loads") or diag($said);

is_refused("a plugin that is not there", qr/none\.so/,
           partner => "plugin=$dir/none.so");
is_refused("a plugin of another ABI", qr/was built with version/,
           with_plugin("major", OVER => ".abi_major=99"));
is_refused("a plugin that is shorter than the ABI",
           qr/not the size of its version/,
           with_plugin("short", OVER => ".size=16"));
is_refused("a plugin with another idea of a request", qr/other sizes/,
           with_plugin("sizes",
                       OVER => ".size_request=sizeof(ehr_request_t)-8"));
is_refused("a plugin that exports something else", qr/exports no/,
           with_plugin("symbol", SYMBOL => "another"));
is_refused("a plugin without a name", qr/no name/,
           with_plugin("name", OVER => ".name=NULL"));
is_refused("a plugin that prepares nothing", qr/not a partner plugin/,
           with_plugin("prepare", PREPARE => "NULL"));
is_refused("a plugin that is not content with its settings",
           qr/needs a key/, with_plugin("check", CHECK => "\"needs a key\""));
is_refused("settings that the plugin does not understand", qr/path\.login/,
           partner => "set.path.login=token");

is_refused("concurrency=0", qr/concurrency=/, partner => "concurrency=0");
is_refused("retry= of one time", qr/retry=/, partner => "retry=1s");
is_refused("retry= backwards", qr/retry=/, partner => "retry=5m,1s");
is_refused("deadline= that is none", qr/deadline=/,
           partner => "deadline=soon");
is_refused("a location that is none", qr/location=/,
           partner => "location=insurance");
is_refused("an unknown setting", qr/unknown setting/, partner => "speed=9");
is_refused("a partner twice", qr/twice/,
           partner => ";\n ehr_partner insurance plugin=x location=/x");
is_refused("a partner without a plugin", qr/needs plugin=/,
           partner => ";\n ehr_partner other location=/x");
is_refused("a route to nobody", qr/names a partner/,
           routes => [ "claim nobody" ]);
is_refused("a kind routed twice", qr/duplicate/,
           routes => [ "claim insurance", "claim insurance" ]);
is_refused("an account without a password", qr/needs "username"/,
           accounts => { 99001 => { username => "a" } });

($is_good, $said) = $world->nginx_t;
ok($is_good, "and the same without all that loads") or diag($said);

$world->finish;
done_testing();
