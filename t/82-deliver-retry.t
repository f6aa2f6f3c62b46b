#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What the partner could not take is tried again, later and later, until it
# answers or the deadline has passed; for one business key the newest content
# goes out last; and a partner that is slow holds up nothing but itself.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(delivery attempts decisions accepted_id submit_all
    clients wait_state seen);
use EHR::Document;
use EHR::Sim;
use EHR::Util qw(build wait_for);
use EHR::World;


sub checkin { return EHR::Document->checkin(facility => "99001", @_) }


# A correction: the same key, other bytes.

sub correction {
    my ($doc) = @_;

    my $bytes = $doc->bytes;
    $bytes =~ s{(</\w+>\s*)\z}{<!-- corrected -->$1};

    return EHR::Document->raw($bytes, key => $doc->key,
                              facility => $doc->facility);
}


# --- the partner is away at first -------------------------------------------

# The simulator comes up later, on the port where nobody listens.

my $world = EHR::World->new(sim => 0, partner => "retry=20ms,1s");
$world->start;
$world->enrol("99001");

my $client = $world->client("99001");

sub sent { return accepted_id($world->submit($client, @_)) }

my @docs = map { checkin() } 1 .. 3;
my @ids = map { sent($_) } @docs;

my $delivery = wait_state($world, $client, $ids[0], "retrying");

like($delivery->{reason}, qr/^(login|session)\.unavailable$/,
     "nobody listens: the log-in is tried again later");
like($delivery->{next_attempt_at}, qr/^\d{4}-.*Z$/,
     "and the sender sees when");

# Newer content of a key: the old one has not left and never will.

my $old = checkin();
my $old_id = sent($old);
my $new = correction($old);
my $new_id = sent($new);

my $superseded = wait_state($world, $client, $old_id, "superseded");
is($superseded->{reason}, "content.newer", "newer content supersedes it");

# It comes back.

my $sim = EHR::Sim->new(
    dir      => $world->dir . "/sim/insurance",
    log      => $world->dir . "/logs/sim-insurance.log",
    pki      => $world->pki,
    port     => $world->port("nobody"),
    accounts => { 99001 => { username => "99001_BV",
                             password => "mat-khau-1" } },
);

$sim->start;

for my $id (@ids, $new_id) {
    my $delivery = wait_state($world, $client, $id, "accepted", 15);
    is($delivery && $delivery->{state}, "accepted",
       "the partner is back: accepted");
}

my %received = map { $_->{sha256} => $_ } $sim->received;

is(scalar(grep { $received{$_->sha256} } @docs, $new), 4,
   "all have arrived");
ok(!$received{$old->sha256}, "but not what was superseded");
is($sim->stats->{duplicates}, 0, "nothing twice");

# Away once more, while there is a session.

$sim->stop;

my $away = sent(checkin());
my $state = wait_state($world, $client, $away, "retrying");
is($state->{reason}, "partner.unreachable",
   "away with a session: the document could not be sent");

$sim->start;
ok(wait_state($world, $client, $away, "accepted"),
   "back again, without its sessions: accepted");


# --- the partner answers, but fails -----------------------------------------

# Its lane stays open, for it answers: each delivery waits for itself.

$sim->mode("code-500");

@docs = map { checkin() } 1 .. 8;
@ids = map { sent($_) } @docs;

# The waits grow: after five attempts somebody has waited longer than anybody
# may after the first (the exact bounds are those of t/unit/test_schedule.c).

ok(wait_for(20, sub {
    return !grep { (delivery($world, $client, $_)->{attempts} || 0) < 6 } @ids;
}), "all are tried again and again");


sub ms_of {
    my ($time) = @_;

    my ($h, $m, $s, $ms) = $time =~ /T(\d+):(\d+):(\d+)\.(\d+)Z/;

    return (($h * 60 + $m) * 60 + $s) * 1000 + $ms;
}


my (@first, @fifth);

for my $id (@ids) {
    my @attempts = attempts($world, $client, $id);
    my @waits = map {
        (ms_of($attempts[$_ + 1]{started_at}) - ms_of($attempts[$_]{ended_at}))
            % 86_400_000
    } 0 .. 4;

    push @first, $waits[0];
    push @fifth, $waits[4];

    ok(!(grep { $_ < 20 } @waits), "no wait is shorter than the shortest");
}

ok((grep { $_ > 40 } @fifth), "the waits grow");
cmp_ok(scalar(keys %{{ map { $_ => 1 } @fifth }}), ">", 1,
       "and are not the same for all");

$sim->mode("normal");

for my $id (@ids) {
    my $delivery = wait_state($world, $client, $id, "accepted", 15);
    is($delivery && $delivery->{state}, "accepted",
       "the partner is well: accepted");
}


$sim->stop;

$world->finish;


# --- order, deadline, slowness: another world -------------------------------

my $second = build() . "/plugins/insurance.so";
my %accounts = (
    99001 => { username => "99001_BV", password => "mat-khau-1" },
    99002 => { username => "99002_BV", password => "mat-khau-2" },
);

# Claims go to a second partner, of the same protocol but a lane of its own.

$world = EHR::World->new(
    partner      => "retry=20ms,100ms deadline=1s",
    read_timeout => "1s",
    routes       => [ "checkin insurance" ],
);

my $other = EHR::Sim->new(
    dir      => $world->dir . "/sim/second",
    log      => $world->dir . "/logs/sim-second.log",
    pki      => $world->pki,
    accounts => \%accounts,
);

$other->start;

my $port = $other->port;
my $pki = $world->pki;
my $file = $world->dir . "/partners/insurance.accounts";

my $both = ";\n    ehr_partner second plugin=$second"
    . " location=/second accounts=$file retry=20ms,100ms";
$world->{o}{partner} .= $both;
push @{$world->{o}{routes}}, "claim second";
$world->{o}{courier} = <<"EOT";
location /second/ {
            internal;
            proxy_pass https://127.0.0.1:$port/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_next_upstream off;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate $pki/partner-ca.pem;
            proxy_ssl_name localhost;
        }
EOT

$world->start;
$world->enrol("99001");

$sim = $world->sim;
$client = $world->client("99001");


# --- the deadline -----------------------------------------------------------

$sim->mode("http-500");

my $late = sent(checkin());
$delivery = wait_state($world, $client, $late, "held", 20);

is_deeply([ @$delivery{qw(state reason partner_code)} ],
          [ "held", "deadline.passed", "HTTP 500" ],
          "tried until the deadline, then a person decides");
cmp_ok($delivery->{attempts}, ">", 2, "after some attempts");

my $seen = seen($sim);
$sim->mode("normal");

ok(wait_state($world, $client, sent(checkin()), "accepted"),
   "the next document does not inherit it");
is(delivery($world, $client, $late)->{state}, "held",
   "and what is held stays held");


# --- the order of one key ---------------------------------------------------

# The first is with the partner when the correction comes.

$sim->mode("slow", count => 1, delay_ms => 600);

my $first = checkin();
my $first_id = sent($first);
ok(wait_for(10, sub { grep { $_->{sha256} eq $first->sha256 }
                      $sim->received }),
   "the first content is with the partner");

my $newest = correction($first);
my $newest_id = sent($newest);

is(delivery($world, $client, $newest_id)->{state}, "pending",
   "its correction waits for the answer");
ok(wait_state($world, $client, $newest_id, "accepted"), "and then goes out");
is(delivery($world, $client, $first_id)->{state}, "accepted",
   "the first was accepted");

my @order = map { $_->{sha256} }
            grep { $_->{sha256} eq $first->sha256
                   || $_->{sha256} eq $newest->sha256 } $sim->received;

is_deeply(\@order, [ $first->sha256, $newest->sha256 ],
          "the partner has the newest content last");

# The answer is lost: the old content is not repeated after the newer.

$sim->mode("hang", count => 1);

$first = checkin();
$seen = seen($sim);
$first_id = sent($first);
ok(wait_for(10, sub { seen($sim) > $seen }), "the first hangs");

$newest = correction($first);
$newest_id = sent($newest);

ok(wait_state($world, $client, $first_id, "superseded"),
   "without an answer it is superseded, not repeated");
ok(wait_state($world, $client, $newest_id, "accepted"),
   "its correction goes out");

my @received = map { $_->{sha256} } $sim->received;
ok(!(grep { $_ eq $first->sha256 } @received), "the old one never does");

# A lost answer is repeated, for a claim or check-in replaces itself.

$sim->mode("accept-then-reset", count => 1);

my $twice = checkin();
my $twice_id = sent($twice);
ok(wait_state($world, $client, $twice_id, "accepted"),
   "a lost answer: sent again, accepted");
is(scalar(grep { $_->{sha256} eq $twice->sha256 } $sim->received), 2,
   "the partner got it twice");

# The same bytes again are the same submission, whatever became of it.

my $res = $world->submit($client, $first);
is_deeply([ $res->status, $res->json->{id}, $res->json->{duplicate},
            $res->json->{deliveries}[0]{state} ],
          [ 200, $first_id, JSON::PP::true(), "superseded" ],
          "what was superseded comes again: its state, and nothing is sent");


# --- a slow partner ---------------------------------------------------------

# It answers nobody; documents are taken as ever, and another partner's lane
# does not notice.

$client->close;
$world->reconfigure(partner => "retry=20ms,100ms$both");
$sim->mode("hang");

my @clients = clients($world, "99001", 30);
my @hanging = map { checkin() } 1 .. 20;
my @hanging_ids = map { accepted_id($_) }
                  submit_all($world, \@clients, \@hanging);

is(scalar(@hanging_ids), 20, "documents for a hanging partner are taken");

my @claims = map { EHR::Document->claim(facility => "99001",
                                        only => [ "XML1" ]) } 1 .. 20;
my @answers = submit_all($world, \@clients, \@claims, "Prefer" => "wait=20");

is(scalar(grep { $_->json->{deliveries}[0]{state} eq "accepted" } @answers),
   20, "another partner gets its documents meanwhile");

is(scalar(grep { delivery($world, $client, $_)->{state} =~ /^accepted/ }
          @hanging_ids), 0, "the hanging one has none of its own");

$sim->stop;
$sim->start;
$sim->mode("normal");

my %ends;
for my $id (@hanging_ids) {
    my $end = wait_state($world, $client, $id, "accepted", 20);
    $ends{$end ? $end->{state} : "not accepted"}++;
}

is_deeply(\%ends, { accepted => 20 }, "when it ends, all are accepted");

$_->close for @clients;


# --- a route that is taken away ---------------------------------------------

# The newer content goes elsewhere: the partner of the old one gets what was
# acknowledged for it, for it never gets another.

$sim->stop;
$first = checkin();
$first_id = sent($first);
ok(wait_state($world, $client, $first_id, "retrying"),
   "the first waits for its partner");

$client->close;
$world->reconfigure(partner => "retry=20ms,100ms$both",
                    routes  => [ "claim second", "checkin second" ]);
$newest_id = sent(correction($first));
ok(wait_state($world, $client, $newest_id, "accepted"),
   "its correction has gone to another one");

$sim->start;
ok(wait_state($world, $client, $first_id, "accepted", 20),
   "the first is not superseded where the newer does not go");

$other->stop;
$world->finish;
done_testing();
