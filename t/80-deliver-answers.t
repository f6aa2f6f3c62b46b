#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Whatever the partner answers becomes the state that its protocol means, the
# sender sees the partner's code and our reason, and the partner is asked just
# as often as it has to be.  An expired session costs one log-in; a refused
# log-in is never repeated, so that no account is locked.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(delivery attempts decisions accepted_id submit_all
    clients wait_state seen logins);
use EHR::Document;
use EHR::World;

my $world = EHR::World->new(
    partner      => "retry=20ms,100ms refused=0",
    read_timeout => "1s",
);

$world->start;
$world->enrol($_) for qw(99001 99002);

my $sim = $world->sim;
my $client = $world->client("99001");
my $is_claim = 0;


sub document {
    my ($facility) = @_;

    $is_claim = !$is_claim;

    return $is_claim
           ? EHR::Document->claim(facility => $facility, only => [ "XML1" ])
           : EHR::Document->checkin(facility => $facility);
}


sub sent {
    my ($from) = @_;

    my $facility = $from == $client ? "99001" : "99002";
    my $res = $world->submit($from, document($facility),
                             "Prefer" => "wait=20");

    return accepted_id($res);
}


# --- what is settled at once ------------------------------------------------

# mode => [ state, partner_code, reason, options of the mode ]

my %settled = (
    "normal"                => [ "accepted", "200", "" ],
    "slow"                  => [ "accepted", "200", "", delay_ms => 200 ],
    "drip"                  => [ "accepted", "200", "", delay_ms => 1 ],
    "chunked"               => [ "accepted", "200", "" ],
    "maketqua-number"       => [ "accepted", "200", "" ],
    "accepted-with-message" => [ "accepted_with_message", "200",
                                 "partner.message" ],

    (map { $_ => [ "refused", /(\d+)/ ? $1 : "", "partner.refused" ] }
        map { "code-$_" } qw(123 125 201 202 204 205 10)),

    "code-402"  => [ "held", "402", "partner.configuration" ],
    "code-403"  => [ "held", "403", "partner.account" ],
    "code-701"  => [ "held", "701", "partner.time-window" ],
    "code-1001" => [ "held", "1001", "partner.too-large" ],
    "code-999"  => [ "held", "999", "partner.unknown-code" ],
);

for my $mode (sort keys %settled) {
    my ($state, $code, $reason, @o) = @{$settled{$mode}};
    my $before = seen($sim);

    $sim->mode($mode, count => 1, @o);

    my $delivery = delivery($world, $client, sent($client));

    is_deeply([ @$delivery{qw(state partner_code attempts)},
                $delivery->{reason} || "", seen($sim) - $before ],
              [ $state, $code, 1, $reason, 1 ],
              "$mode: $state after one request");

    if ($state =~ /^accepted/) {
        like($delivery->{partner_ref}, qr/^SIM-\d+$/,
             "$mode: the partner's transaction code is shown");

    } elsif ($state eq "refused") {
        ok($delivery->{message}, "$mode: the partner's text is shown");
    }

    $sim->mode("normal");
}


# --- what is tried again ----------------------------------------------------

# mode => [ partner_code of the first attempt, its reason, times kept ]

my %repeated = (
    "http-500"    => [ "HTTP 500", "partner.unavailable", 1 ],
    "http-503"    => [ "HTTP 503", "partner.unavailable", 1 ],
    "code-500"    => [ "500", "partner.unavailable", 1 ],
    "code-100"    => [ "100", "partner.unavailable", 1 ],
    "code-124"    => [ "124", "partner.wait", 1 ],
    "html"        => [ "", "partner.unreadable", 1 ],
    "empty"       => [ "", "partner.unreadable", 1 ],
    "hang"        => [ "", "partner.no-answer", 1 ],
    "close-early" => [ "", "partner.no-answer", 1 ],
    "reset"       => [ "", "partner.no-answer", 1 ],
    "half-answer" => [ "", "partner.no-answer", 2 ],
    "huge"        => [ "", "partner.unreadable", 2 ],
    "accept-then-reset" => [ "", "partner.no-answer", 2 ],
);

for my $mode (sort keys %repeated) {
    my ($code, $reason, $kept) = @{$repeated{$mode}};
    my $before = seen($sim);
    my $documents = $sim->stats->{documents};

    $sim->mode($mode, count => 1);

    my $id = sent($client);
    my $delivery = delivery($world, $client, $id);
    my ($first) = attempts($world, $client, $id);

    is_deeply([ @$delivery{qw(state partner_code attempts)},
                seen($sim) - $before ],
              [ "accepted", "200", 2, 2 ],
              "$mode: accepted at the second attempt");
    is_deeply([ $first->{state}, $first->{partner_code} || "",
                $first->{reason} ],
              [ "retrying", $code, $reason ],
              "$mode: the history tells what the first one met");
    is($sim->stats->{documents} - $documents, $kept,
       "$mode: the partner kept it as often as it said");

    $sim->mode("normal");
}


# --- an expired session -----------------------------------------------------

my %codes = (
    "expired-401-empty"    => "HTTP 401",
    "expired-403"          => "HTTP 403",
    "expired-maketqua-401" => "401",
    "expired-501"          => "501",
    "expired-text"         => "500",
);

for my $mode (sort keys %codes) {
    my ($seen, $logins) = (seen($sim), logins($sim));

    $sim->mode($mode, count => 1);

    my $delivery = delivery($world, $client, sent($client));

    is_deeply([ @$delivery{qw(state attempts)}, logins($sim) - $logins,
                seen($sim) - $seen ],
              [ "accepted", 1, 1, 2 ],
              "$mode: one new log-in, the same attempt goes on");

    # Fresh from its log-in and refused again: a person must look, at once
    # with refused=0.

    $logins = logins($sim);
    $sim->mode($mode, count => 2);
    $delivery = delivery($world, $client, sent($client));

    is_deeply([ @$delivery{qw(state reason attempts)},
                logins($sim) - $logins ],
              [ "held", "session.refused", 1, 1 ],
              "$mode twice: held, and no second log-in");

    is($delivery->{partner_code}, $codes{$mode},
       "$mode twice: the partner's code is shown");

    $sim->mode("normal");

    is(delivery($world, $client, sent($client))->{state}, "accepted",
       "$mode: the next document of the account goes out as ever");
}


# --- the life of a session --------------------------------------------------

for my $mode (qw(login-expires-seconds login-expires-epoch)) {
    $sim->reset;
    $sim->mode($mode, count => 1);

    my @states = map { delivery($world, $client, sent($client))->{state} }
                 1 .. 3;

    is_deeply([ @states, logins($sim) ], [ ("accepted") x 3, 1 ],
              "$mode: understood, one log-in for three documents");
}


# --- a log-in that fails for a while ----------------------------------------

for my $mode (qw(http-500 http-503 html empty hang close-early reset
                 code-500))
{
    $sim->reset;
    $sim->mode("login-$mode", count => 1);

    my $id = sent($client);
    my $delivery = delivery($world, $client, $id);
    my ($first) = attempts($world, $client, $id);

    is_deeply([ @$delivery{qw(state attempts)}, logins($sim) ],
              [ "accepted", 2, 2 ],
              "login-$mode: tried again later");
    like($first->{reason}, qr/^login\.(unavailable|unreadable)$/,
         "login-$mode: and the history says why");
}


# --- a log-in that is refused -----------------------------------------------

my %login_reasons = (
    "login-refused"  => "login.refused",
    "login-no-key"   => "login.no-session",
    "login-code-402" => "login.configuration",
    "login-code-403" => "login.locked",
);

for my $mode (sort keys %login_reasons) {
    $sim->reset;
    $sim->mode($mode);

    my $id = sent($client);
    my $delivery = delivery($world, $client, $id);

    is_deeply([ @$delivery{qw(state reason)}, logins($sim) ],
              [ "held", $login_reasons{$mode}, 1 ], "$mode: held");

    $sim->mode("normal");
    $client->close;
    $world->reload;

    is(wait_state($world, $client, $id, "accepted")->{state}, "accepted",
       "$mode: goes out once it is mended and nginx reloaded");
}


# --- no account is locked ---------------------------------------------------

my %wrong = (
    99001 => { username => "99001_BV", password => "sai" },
    99002 => { username => "99002_BV", password => "mat-khau-2" },
);

my %right = (
    99001 => { username => "99001_BV", password => "mat-khau-1" },
    99002 => { username => "99002_BV", password => "mat-khau-2" },
);

$client->close;
$world->reconfigure(accounts => \%wrong);
$sim->reset;

my @clients = clients($world, "99001", 11);
my @ids = accepted_id(submit_all($world, [ shift @clients ],
                                 [ document("99001") ],
                                 "Prefer" => "wait=20"));

push @ids, map { accepted_id($_) }
           submit_all($world, \@clients, [ map { document("99001") } 1 .. 10 ],
                      "Prefer" => "wait=20");

my %reasons;
for my $id (@ids) {
    my $delivery = delivery($world, $client, $id);
    $reasons{"$delivery->{state} $delivery->{reason}"}++;
}

is_deeply(\%reasons, { "held login.refused" => 1,
                       "held account.blocked" => 10 },
          "a wrong password: all are held");
is($sim->stats->{wrong_logins}, 1, "and the partner saw one wrong log-in");

my $other = $world->client("99002");
is(delivery($world, $other, sent($other))->{state}, "accepted",
   "the other facility's account does not notice");

# Reloaded, but nothing mended: one more, and held again.

$client->close;
$world->reload;

for my $id (@ids) {
    wait_state($world, $client, $id, "held");
}

is($sim->stats->{wrong_logins}, 2, "a reload tries once more, no more");

$client->close;
$world->reconfigure(accounts => \%right);

my @states = map {
    my $delivery = wait_state($world, $client, $_, "accepted");
    $delivery ? $delivery->{state} : "not accepted"
} @ids;

is_deeply(\@states, [ ("accepted") x 11 ],
          "all go out once the password is right");
is($sim->stats->{wrong_logins}, 2, "the account was never locked");

like(join("\n", decisions($world, $client, $ids[5])),
     qr/held account\.blocked\n(?:.*\n)*retrying config\.reloaded\n/,
     "the history tells of the reload");

is_deeply([ grep { $_ !~ / \S/ }
            map { decisions($world, $client, $_) } @ids ], [],
          "and every decision of all has a reason");
like((decisions($world, $client, $ids[5]))[-1],
     qr/^accepted partner\.answered$/, "the last one the partner's answer");


# --- no account at all ------------------------------------------------------

$world->enrol("99003", cert => $world->issue("99003"));

my $third = $world->client($world->dir . "/pki/99003.pem");
my $id = accepted_id($world->submit($third, document("99003"),
                                    "Prefer" => "wait=20"));
my $missing = delivery($world, $third, $id);

is_deeply([ @$missing{qw(state reason)} ], [ "held", "account.missing" ],
          "without an account it is held");

my %more = (%right, 99003 => { username => "99003_BV", password => "moi" });

$sim->stop;
$sim->{accounts} = \%more;
$sim->start;
$_->close for $client, $third;
$world->reconfigure(accounts => \%more);

ok(wait_state($world, $third, $id, "accepted"),
   "and goes out once there is one");


# --- a session that runs out at the partner ---------------------------------

# Shorter than a session is believed to last here: the partner says so.

$sim->stop;
$sim->{token_ttl} = 0.3;
$sim->start;

my %states;
for (1 .. 200) {
    $states{delivery($world, $client, sent($client))->{state}}++;
    last if logins($sim) >= 3;
}

cmp_ok(logins($sim), ">=", 3, "sessions run out");
is_deeply([ keys %states ], [ "accepted" ], "and no document suffers");

$world->finish;
done_testing();
