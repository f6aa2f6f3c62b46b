#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# ehrctl doctor and /readyz tell the same: nothing when all is well, and by
# name what is broken or will be: a key that is missing, a list of revoked
# certificates that is too old, a partner that is away, and for how many
# hours there is room.

use strict;
use warnings;

use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use EHR::Delivery qw(accepted_id clients submit_all);
use EHR::Document;
use EHR::Util qw(build run slurp spew wait_for);
use EHR::World;

use constant {
    DAY          => 86400,
    RATE_EACH    => 10,       # seconds
    RECORD_BYTES => 2048,
};

my $small = "ehr_store_free 1; ehr_store_max 20m;";
my $world = EHR::World->new(workers => 1, http => $small,
                            partner => "retry=50ms,300ms");
my $begun = time();
$world->start;
$world->enrol("99001");

delete @ENV{grep { /^EHR_(ADMIN|PKI)/ || /^LC_|^LANG/ } keys %ENV};
$ENV{LANG} = "en_US.UTF-8";
$ENV{EHR_PKI} = $world->pki;
$ENV{EHR_ADMIN} = "https://localhost:" . $world->port("admin");


# Exit status and standard output.

sub doctor {
    my (@words) = @_;

    my $file = $world->dir . "/doctor.out";
    my $pid = fork();
    die "cannot fork: $!" unless defined $pid;

    if ($pid == 0) {
        open(STDOUT, ">", $file);
        exec(build() . "/ehrctl", "doctor", @words) or POSIX::_exit(127);
    }

    waitpid($pid, 0);

    return ($? & 127 ? "signal $?" : $? >> 8, slurp($file));
}

# Exit status, and the checks by name.

sub checks {
    my ($status, $out) = doctor("--output", "json", @_);

    return ($status, { map { $_->{name} => $_ }
                       @{JSON::PP->new->utf8->decode($out)->{checks}} });
}

sub not_ok {
    my ($checks) = @_;

    return [ sort grep { $checks->{$_}{state} ne "ok" } keys %$checks ];
}

sub ready { return $world->ops("/readyz")->json->{checks}{$_[0]} }

sub reconfigured {
    $world->reconfigure(@_);
    return $world->client("99001");
}


# --- all is well ------------------------------------------------------------

my ($status, $checks) = checks();
is($status, 0, "all is well");
is_deeply(not_ok($checks), [], "by every check");
is_deeply([ sort keys %$checks ],
          [ qw(crl disk keys lane.insurance plugins queue.insurance
               redis room.insurance store store_keys sweeper) ],
          "by its name");
is(scalar(grep { $_->{advice} ne "" } values %$checks), 0,
   "and nothing is to be done");

($status, my $out) = doctor();
is($status, 0, "as a table, too");
like($out, qr/^CHECK +STATE +DETAIL +WHAT TO DO\n/, "with its labels");
like($out, qr/^lane\.insurance +ok +lane=open /m, "and its rows");

ok(!exists ready("room")->{detail}, "nothing comes: there is no forecast");
is($world->metric('ehr_room_seconds{partner="insurance"}'), undef,
   "nor a series");

is((doctor("x"))[0], 2, "it takes no operand");

{
    my $viewer = $world->issue("viewer", ca => "admin-ca", "--cn", "viewer");
    (my $key = $viewer) =~ s/\.pem$/.key/;

    is((doctor("--cert", $viewer, "--key", $key))[0], 1,
       "who is no administrator learns nothing");

    $world->reconfigure(http => $small . " ehr_administrator viewer "
                                . $world->sha256_of($viewer) . " the-viewer;");
    is((doctor("--cert", $viewer, "--key", $key))[0], 0,
       "every role may ask");
}


# --- the forecast -----------------------------------------------------------

my $client = $world->client("99001");
my $doc = EHR::Document->checkin(facility => "99001");
is($world->submit($client, $doc, "Prefer" => "wait=10")->status, 200,
   "a document is delivered");

my $seconds;
ok(wait_for(3 * RATE_EACH, sub {
    $seconds = $world->metric('ehr_room_seconds{partner="insurance"}');
}), "after a while there is a forecast");

# Room is left over bytes over the time they came in: between one round of
# the average and the time that has passed.

my $bytes = length($doc->bytes) + RECORD_BYTES;
my $left = 20 * 1024 * 1024 - $world->metric("ehr_store_used_bytes");

sub is_true {
    my ($seconds, $slack, $what) = @_;

    cmp_ok(($seconds + $slack) * $bytes / $left, ">=", RATE_EACH * 0.9,
           "$what: not more than came is counted");
    cmp_ok($seconds * $bytes / $left, "<=", (time() - $begun) * 1.1,
           "$what: nor less");
    return;
}

is_true($seconds, 0, "the metric");
cmp_ok($seconds, "<", DAY, "which is less than a day");
ok(!ready("room")->{ok} && ready("room")->{degraded}, "readyz is degraded");
my ($hours) = ready("room")->{detail} =~ /^room for (\d+) hours$/;
is_true($hours * 3600, 3600, "readyz");
is($world->ops("/readyz")->status, 200, "and is ready");

($status, $checks) = checks();
is($status, 0, "a warning is no failure");
is_deeply(not_ok($checks), [ "room.insurance" ], "it is the room");
is($checks->{"room.insurance"}{state}, "warn", "that is warned of");
like($checks->{"room.insurance"}{advice}, qr/ehr_retention/,
     "with what to do");

$client = reconfigured(http => "ehr_store_free 1; ehr_store_max 4g;");
ok(wait_for(10, sub {
    ready("room")->{ok} && ready("room")->{detail} =~ /^room for \d{3,} hours/
}), "with room for more than a day nothing is degraded");
is_deeply(not_ok((checks())[1]), [], "nor warned of");


# --- a key that is missing --------------------------------------------------

my $key = $world->dir . "/other.key";
spew($key, "5c" x 31 . "07\n", 0600);

$client = reconfigured(store_keys => [ $key ]);
ok(wait_for(20, sub { !ready("store_keys")->{ok} }),
   "readyz misses the key of a document");
is(ready("store_keys")->{documents_without_key}, 1, "and counts it");
is($world->ops("/readyz")->status, 200, "but documents are accepted");

($status, $checks) = checks();
is($status, 1, "that is a failure");
is_deeply(not_ok($checks), [ "store_keys" ], "of the store's keys");
is($checks->{store_keys}{state}, "fail", "which it says");
like($checks->{store_keys}{advice}, qr/ehr_store_key/, "with what to do");

$ENV{LANG} = "vi_VN.UTF-8";
($status, $out) = doctor();
$ENV{LANG} = "en_US.UTF-8";
is($status, 1, "the same in Vietnamese");
like($out, qr/^store_keys +fail +keys=1 documents_without_key=1 +Thêm lại/m,
     "by name");

$client = reconfigured(store_keys => undef);
ok(wait_for(10, sub { ready("store_keys")->{ok} }), "with its key");
is((checks())[0], 0, "all is well again");


# --- a list that is too old -------------------------------------------------

my $pki = $world->dir . "/pki";         # its own lists
my $list = slurp("$pki/hospital-crl.pem");
run("openssl", "ca", "-config", "$pki/.hospital-ca/ca.cnf", "-gencrl",
    "-crlsec", "1", "-out", "$pki/hospital-crl.pem");
$world->reload;

ok(wait_for(10, sub { !ready("crl")->{ok} }), "readyz sees that it is old");
is($world->ops("/readyz")->status, 503, "nobody gets in with it");
($status, $checks) = checks();
is($status, 1, "a failure");
is_deeply(not_ok($checks), [ "crl" ], "by its name");

spew("$pki/hospital-crl.pem", $list);
$world->reload;
is($world->ops("/readyz")->status, 200, "with a new one it is ready");
is((checks())[0], 0, "and all is well");


# --- a partner that is away -------------------------------------------------

$world->sim->stop;
accepted_id($_)
    for submit_all($world, [ clients($world, "99001", 8) ],
                   [ map { EHR::Document->checkin(facility => "99001") }
                     1 .. 8 ]);

ok(wait_for(20, sub {
    ($status, $checks) = checks();
    $status == 1;
}), "a partner that is away is a failure");
is($checks->{"lane.insurance"}{state}, "fail", "of its lane");
like($checks->{"queue.insurance"}{detail}, qr/^open=8 held=0 /,
     "with what waits");

is($world->admin("POST", "/admin/v1/partners/insurance/pause",
                 { reason => "night" })->status, 200, "paused by a person");
($status, $checks) = checks();
is($status, 0, "it is no failure");
is($checks->{"lane.insurance"}{state}, "warn", "but said");
like($checks->{"lane.insurance"}{advice}, qr/partner resume/,
     "with what to do");


# --- a partner that is there no more ----------------------------------------

$world->allow(qr/journal swept, mended/);
$world->stop;
run("sqlite3", "-cmd", ".timeout 5000", $world->journal,
    "UPDATE deliveries SET partner = 'elsewhere' WHERE state = 'retrying'");
$world->restart;

ok(wait_for(20, sub {
    ($status, $checks) = checks();
    $checks->{sweeper}{state} eq "warn";
}), "what the sweeper mended is said");
is($status, 1, "a partner that is not configured is a failure");
is($checks->{"queue.elsewhere"}{state}, "fail", "by its name");
like($checks->{"queue.elsewhere"}{detail}, qr/^open=\d+ held=[1-9]/,
     "with what is held");

$world->finish;
done_testing();
