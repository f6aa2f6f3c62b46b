# SPDX-License-Identifier: BSD-2-Clause

# A person's hand on a lane: pause is durable and obeyed by every worker,
# resume and probe are too, by roles, with an audit row and a dry run; hours
# hold what must not go now.

use strict;
use warnings;

use POSIX ();
use Test::More;

use EHR::Delivery qw(delivery accepted_id clients submit_all wait_state seen);
use EHR::Document;
use EHR::Util qw(build run slurp wait_for);
use EHR::World;

my $api = "/admin/v1/partners";

my $world = EHR::World->new(workers => 4,
                            partner => "retry=20s,60s concurrency=4");
$world->start;
$world->enrol("99001");

my $sim = $world->sim;
my $client = $world->client("99001");
my $dir = $world->dir;

sub checkin { return EHR::Document->checkin(facility => "99001") }
sub sent    { return accepted_id($world->submit($client, checkin())) }

sub ehrctl {
    my $command = join(" ", map { "'$_'" } build() . "/ehrctl", @_,
        "--server", "https://127.0.0.1:" . $world->port("admin"),
        "--cert", $world->pki . "/admin.pem",
        "--key", $world->pki . "/admin.key",
        "--ca", $world->pki . "/server-ca.pem");
    my $out = `$command 2>$dir/ehrctl.err`;
    return ($? >> 8, $out);
}


sub audit {
    return run("sqlite3", "-readonly", $world->journal,
               "SELECT action, target, actor FROM audit ORDER BY id");
}


# --- pause and resume -------------------------------------------------------

my $res = $world->admin("POST", "$api/insurance/pause", {});
is($res->status, 400, "a pause needs a reason");
is($world->admin("POST", "$api/nobody/pause", { reason => "x" })->status, 404,
   "and a partner that there is");

$res = $world->admin("POST", "$api/insurance/pause?dry_run=true",
                     { reason => "maintenance" });
is_deeply([ $res->status, $res->json->{paused} ], [ 200, JSON::PP::true ],
          "a dry run shows what would be");
is($world->admin("GET", "$api/insurance")->json->{paused}, JSON::PP::false,
   "and changes nothing");

my ($status) = ehrctl("partner", "pause", "insurance",
                      "--reason", "maintenance");
is($status, 0, "ehrctl pauses");

my @clients = clients($world, "99001", 8);
my @ids = map { accepted_id($_) }
    submit_all($world, \@clients, [ map { checkin() } 1 .. 8 ]);

# Each worker looks once a second: two of each worker's looks.
my $looked = $world->metric("ehr_store_commits_total");
wait_for(10, sub {
    $world->metric("ehr_store_commits_total") >= $looked + 16;
});
is(seen($sim), 0, "nothing is sent by any worker");

$world->restart;
$client->close;
is(seen($sim), 0, "nor after a restart");

my $one = $world->admin("GET", "$api/insurance")->json;
is_deeply([ @$one{qw(paused reason version)} ],
          [ JSON::PP::true, "maintenance", 1 ],
          "it says that it is paused, and why");
ok($one->{changed_by} && $one->{changed_at}, "by whom and since when");
is($one->{queue}{pending}, 8, "and what waits");
is($one->{queue}{ages}{"5m"}, 8, "and for how long");

is($world->admin("POST", "$api/insurance/probe", {})->status, 409,
   "what is paused is not probed");
is($world->admin("POST", "$api/insurance/resume", {},
                 "If-Match" => '"7"')->status, 412,
   "a change of another version is refused");

my ($queue_status, $queue) = ehrctl("queue");
is($queue_status, 0, "ehrctl queue");
like($queue, qr/^insurance\s+8\s+8\s+0\s+0\s+0\s+0\s+0\s*$/m,
     "shows age and depth");

is((ehrctl("partner", "resume", "insurance"))[0], 0, "ehrctl resumes");
ok(!(grep { !wait_state($world, $client, $_, "accepted", 15) } @ids),
   "and everything goes out");


# --- probe ------------------------------------------------------------------

$sim->stop;
my $late = sent();
ok(wait_for(10, sub {
    $world->admin("GET", "$api/insurance")->json->{lane}{state} eq "waiting";
}), "without its partner the lane waits");

$sim->start;
my $list = $world->admin("GET", $api)->json->{partners};
is_deeply([ map { $_->{name} } @$list ], [ "insurance" ],
          "partners are listed");
is($list->[0]{lane}{window}, 0, "with a window of none");

# A wait may be anything up to 20 s; the delivery's own is at least that long,
# so what leaves now is a new one, by the probe.
is((ehrctl("partner", "probe", "insurance", "--dry-run"))[0], 0,
   "a probe can be tried dry");
my ($probe_status, $shown) = ehrctl("partner", "probe", "insurance");
is($probe_status, 0, "ehrctl probes");
unlike($shown, qr/waiting/, "and the lane does not wait any more");
ok(wait_state($world, $client, sent(), "accepted", 15),
   "which lets the next one through");

is(audit() =~ s/^facility.*\n//mgr, join("", map { "$_\n" }
    "partner.pause|insurance|" . $one->{changed_by},
    "partner.resume|insurance|" . $one->{changed_by},
    "partner.probe|insurance|" . $one->{changed_by}),
   "each change has its audit row, a dry run none");


# --- roles ------------------------------------------------------------------

for my $role (qw(viewer operator)) {
    my $pem = $world->issue("role-$role", ca => "admin-ca", "--cn", $role);
    $world->reconfigure(http => "ehr_administrator $role "
                        . $world->sha256_of($pem) . " the-$role;");
    local $world->{admin_client} = $world->admin_client($pem);

    is($world->admin("GET", "$api/insurance")->status, 200, "$role may look");
    is($world->admin("POST", "$api/insurance/$_?dry_run=true",
                     $_ eq "pause" ? { reason => "x" } : {})->status,
       $role eq "viewer" ? 403 : 200, "$role: $_")
        for qw(pause resume probe);
}


# --- hours ------------------------------------------------------------------

# Closed now, for two hours around it in Vietnamese time, above 1 kB.
my @hours = map { POSIX::strftime("%H:%M", gmtime(time() + 7 * 3600 + $_)) }
    -3600, 3600;
$world->reconfigure(http => "",
    partner => "retry=50ms,1s closed=$hours[0]-$hours[1],size>1k");
$client->close;

my $held = wait_state($world, $client, sent(), "held", 15);
is($held->{reason}, "window.closed", "outside its hours it is held");
like($held->{next_attempt_at}, qr/^\d{4}-.*Z$/, "until they begin");

$world->reconfigure(partner => "retry=50ms,1s"
                    . " closed=$hours[0]-$hours[1],size>30m");
$client->close;
ok(wait_state($world, $client, sent(), "accepted", 15),
   "what the hours are not about goes");

$world->finish;
done_testing();
