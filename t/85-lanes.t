# SPDX-License-Identifier: BSD-2-Clause

# One lane for each partner over all workers: a partner that fails is probed
# by one attempt at a time and comes back slowly, a rate is kept by all workers
# together, and one facility's flood does not delay another's document.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use EHR::Delivery qw(accepted_id clients submit_all wait_state seen);
use EHR::Document;
use EHR::Util qw(wait_for slurp);
use EHR::World;

use constant {
    DOCUMENTS => 24,
    WORKERS   => 4,
    FLOOD     => 300,
};


sub checkin {
    return EHR::Document->checkin(facility => "99001", @_);
}


# A partner that takes connections, keeps each for a while and says nothing.
# Its child writes the moments: "+" a connection came, "-" it was closed.

sub mute_partner {
    my ($port, $file) = @_;

    my $socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1",
        LocalPort => $port, Listen => 128, ReuseAddr => 1)
        or die "cannot listen: $!";

    my $pid = fork();
    die "cannot fork: $!" unless defined $pid;
    return $pid if $pid;

    open(my $log, ">", $file) or POSIX::_exit(1);
    $log->autoflush(1);

    my %until;
    while (1) {
        for my $fh (IO::Select->new($socket)->can_read(0.005)) {
            my $one = $fh->accept or next;
            $until{$one} = [ time() + 0.1, $one ];
            printf $log "+ %.3f\n", time();
        }
        for my $key (grep { $until{$_}[0] < time() } keys %until) {
            close($until{$key}[1]);
            delete $until{$key};
            printf $log "- %.3f\n", time();
        }
    }
}


# --- a partner that fails ---------------------------------------------------

my $world = EHR::World->new(workers => WORKERS,
    partner => "retry=50ms,300ms concurrency=6");
$world->start;
$world->enrol("99001");

my $sim = $world->sim;
my $client = $world->client("99001");
my @clients = clients($world, "99001", DOCUMENTS);

sub submit_some {
    return map { accepted_id($_) }
        submit_all($world, \@clients, [ map { checkin() } 1 .. DOCUMENTS ]);
}


sub lane {
    return $world->ops("/readyz")->json->{checks}{partners}{insurance};
}


sub all_accepted {
    my (@ids) = @_;

    return !grep { !wait_state($world, $client, $_, "accepted", 20) } @ids;
}


ok(all_accepted(submit_some()), "a partner that is well gets everything");
is_deeply(lane(), { ok => JSON::PP::true, degraded => JSON::PP::false,
                    lane => "open" }, "its lane is open");
is($world->metric('ehr_lane_window{partner="insurance"}'), 6,
   "as wide as configured, over all workers");

my $port = $sim->port;
$sim->stop;

my $file = $world->dir . "/mute";
my $mute = mute_partner($port, $file);
my @ids = submit_some();

ok(wait_for(20, sub { (() = slurp($file) =~ /^\+/mg) >= 16 }),
   "it is tried again and again");
ok(!lane()->{ok}, "readiness says that its lane waits or probes");
is($world->ops("/readyz")->status, 200, "and documents are still accepted");
cmp_ok($world->metric("ehr_lane_trips_total"), ">", 2, "each wait is counted");

kill("TERM", $mute);
waitpid($mute, 0);

my ($now, $worst, $n, @overlaps) = (0, 0, 0);
for my $line (split /\n/, slurp($file)) {
    $now += $line =~ /^\+/ ? 1 : -1;
    $worst = $now if $now > $worst;
    push @overlaps, $now if $line =~ /^\+/ && ++$n > 8;
}

cmp_ok($worst, "<=", 6, "never more at once than the window");
is_deeply([ grep { $_ != 1 } @overlaps ], [],
          "once the lane has tripped, one probe at a time over all workers");


# --- comes back -------------------------------------------------------------

# While answers take long, a window of one shows: the second arrives after the
# first was answered.

$sim->start("slow", delay_ms => 400);
my $since = POSIX::strftime("%Y-%m-%dT%H:%M:%S", gmtime);

sub since {
    return sort grep { $_ ge $since } map { $_->{received_at} } $sim->received;
}


ok(wait_for(20, sub { (() = since()) >= 2 }), "it is back");
$sim->mode("normal");
ok(all_accepted(@ids), "everything arrives");

my ($first, $second) = map { /:(\d\d\.\d+)/ } since();

cmp_ok(($second - $first) + ($second < $first ? 60 : 0), ">=", 0.35,
       "the probe goes alone");

is($sim->stats->{duplicates}, 0, "nothing twice");
ok(wait_for(10, sub { lane()->{lane} eq "open" }), "the lane is open again");


# --- killed workers give their places back ----------------------------------

$sim->mode("hang");
my $seen = seen($sim);
@ids = submit_some();
ok(wait_for(10, sub { seen($sim) >= $seen + 6 }),
   "all places are taken");
$world->kill_worker($_) for $world->workers;
ok(wait_for(10, sub { scalar($world->workers) == WORKERS }), "new workers");

# Those that hang were not answered: to the lane the partner failed.
$sim->mode("normal");
$client->close;
ok(all_accepted(@ids), "nobody's places are taken for ever");
is($world->metric('ehr_lane_in_flight{partner="insurance"}') <= 6, 1,
   "and no count is left too high");
ok(wait_for(5, sub {
    return $world->metric('ehr_lane_in_flight{partner="insurance"}') == 0;
}), "which ends at nothing");

$world->finish;


# --- a rate, and fairness ---------------------------------------------------

$world = EHR::World->new(workers => WORKERS,
    partner => "retry=50ms,300ms concurrency=8 rate=40r/s burst=2");
$world->start;
$world->enrol($_) for qw(99001 99002);

$sim = $world->sim;
$client = $world->client("99001");
my $other = $world->client("99002");

accepted_id($world->submit($client, checkin())) for 1 .. FLOOD;

my $had = scalar($sim->received);
my $one = EHR::Document->checkin(facility => "99002");
accepted_id($world->submit($other, $one));

ok(wait_for(20, sub {
    return grep { $_->{sha256} eq $one->sha256 } $sim->received;
}), "one document beside a flood arrives");

my @received = $sim->received;
my ($position) = grep { $received[$_]{sha256} eq $one->sha256 }
    0 .. $#received;
cmp_ok($had, "<", FLOOD - 50, "the flood was still waiting");
cmp_ok($position - $had, "<=", 30, "and is not waited for");

ok($sim->wait_received(100, 20), "the rest goes on");
@received = ($sim->received)[10 .. 90];

my @times = map { $_->{received_at} =~ /T(\d+):(\d+):([\d.]+)/
                  ? ($1 * 60 + $2) * 60 + $3 : die } @received;
my $rate = $#times / ($times[-1] - $times[0]);
diag(sprintf("%.1f documents a second of 40, by the partner's clock", $rate));
cmp_ok($rate, "<=", 40 * 1.15, "all workers together keep the rate");
cmp_ok($rate, ">=", 40 * 0.5, "and use it");

$world->finish;
done_testing();
