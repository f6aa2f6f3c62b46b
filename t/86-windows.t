#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A partner's hours and the order within a lane, on the whole system: what is
# too large for office hours waits until they end and goes then by itself,
# claims wait for the days of their settlement, the nearest deadline goes
# first, what is urgent is not behind bulk, and one hospital's document is not
# behind another's many.  The wall clock is set, not waited for.

use strict;
use warnings;

use POSIX ();
use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(accepted_id attempts decisions delivery wait_state);
use EHR::Document;
use EHR::Util qw(wait_for);
use EHR::World;

use constant {
    HOUR    => 3600,
    DAY     => 86400,
    VIETNAM => 7 * 3600,
};

use constant OFFICE_HOURS =>
    "closed=08:00-11:00,mon-fri,size>6k closed=14:00-19:00,mon-fri,size>6k";

# Midnight of the next Tuesday in Vietnam, at least a day ahead.
my $tuesday = time() + DAY + VIETNAM;
$tuesday -= $tuesday % DAY;
$tuesday += DAY while (gmtime($tuesday))[6] != 2;
$tuesday -= VIETNAM;

my $world = EHR::World->new(workers => 1, redis => 0, fault => 1,
                            partner => "retry=50ms,1s " . OFFICE_HOURS);
my %client;


# As hospitals do after a night: a new connection and a new token.

sub clock_is {
    my ($at) = @_;

    $world->fault->clock($at - time());
    $world->ops("/livez") for 1 .. 3;     # nginx reads it when it is asked
    renew();

    return;
}


sub renew {
    for my $client (values %client) {
        $client->close;
        delete $client->{token};
    }

    return;
}


sub sent {
    my ($kind, $facility) = @_;

    $facility ||= "99001";
    my $doc = EHR::Document->$kind(facility => $facility);

    return (accepted_id($world->submit($client{$facility}, $doc)), $doc);
}


sub state_of { return delivery($world, $client{99001}, $_[0]) }
sub is_accepted {
    my ($id, $name) = @_;

    return ok(wait_state($world, $client{99001}, $id, "accepted", 20), $name);
}


sub utc { return POSIX::strftime("%Y-%m-%dT%H:%M:%S", gmtime($_[0])) }


$world->fault->clock($tuesday + 10 * HOUR - time());
$world->start;
$world->enrol($_) for qw(99001 99002);
%client = map { $_ => $world->client($_) } qw(99001 99002);

my $sim = $world->sim;


# --- what is large goes out of office hours ---------------------------------

my ($large, $doc) = sent("claim");
cmp_ok(length($doc->bytes), ">", 6144, "a claim is large here");
my ($small, $little) = sent("checkin");
cmp_ok(length($little->bytes), "<", 6144, "a check-in is not");

my $held = wait_state($world, $client{99001}, $large, "held", 20);
is($held->{reason}, "window.closed", "Tuesday, 10:00: what is large waits");
is(substr($held->{next_attempt_at}, 0, 19), utc($tuesday + 11 * HOUR),
   "until 11:00");
is_accepted($small, "what is not goes");

clock_is($tuesday + 11 * HOUR - 300);
is_accepted((sent("checkin"))[0], "shortly before 11:00 the lane is awake");
is(state_of($large)->{state}, "held", "and what is large still waits");
is(scalar(attempts($world, $client{99001}, $large)), 0,
   "and was never tried");

clock_is($tuesday + 11 * HOUR + 1);
is_accepted($large, "11:00: it goes by itself");
is(scalar(grep { /window\.opened/ } decisions($world, $client{99001},
                                              $large)), 1,
   "and its timeline says why");

clock_is($tuesday + 12 * HOUR);
is_accepted((sent("claim"))[0], "at noon a large one goes at once");

clock_is($tuesday + 15 * HOUR);
my ($afternoon) = sent("claim");
$held = wait_state($world, $client{99001}, $afternoon, "held", 20);
is(substr($held->{next_attempt_at}, 0, 19), utc($tuesday + 19 * HOUR),
   "at 15:00 one waits until 19:00");

# What it waited for has passed while nobody was there, and closed again.

clock_is($tuesday + DAY + 9 * HOUR);
ok(wait_for(20, sub {
    return substr(state_of($afternoon)->{next_attempt_at} || "", 0, 19)
           eq utc($tuesday + DAY + 11 * HOUR);
}), "a night that nobody saw: on Wednesday at 9:00 it waits until 11:00");

clock_is($tuesday + 4 * DAY + 10 * HOUR);
is_accepted($afternoon, "on Saturday there are no office hours");


# --- the days of settlement -------------------------------------------------

my $settlement = (gmtime($tuesday + VIETNAM + 6 * DAY))[3];
$world->reconfigure(partner => "retry=50ms,1s"
                    . " window=day:$settlement-$settlement,kind:claim");
renew();

my ($claim) = sent("claim");
$held = wait_state($world, $client{99001}, $claim, "held", 20);
is(substr($held->{next_attempt_at}, 0, 19), utc($tuesday + 6 * DAY),
   "a claim waits for the day of its settlement, from midnight in Vietnam");
is_accepted((sent("checkin"))[0], "a check-in does not");

clock_is($tuesday + 6 * DAY - 300);
is_accepted((sent("checkin"))[0], "shortly before midnight");
is(state_of($claim)->{state}, "held", "it still waits");

clock_is($tuesday + 6 * DAY + 1);
is_accepted($claim, "then it goes by itself");

clock_is($tuesday + 7 * DAY + 1);
my ($late) = sent("claim");
$held = wait_state($world, $client{99001}, $late, "held", 20);
is($held->{reason}, "window.closed", "the day after it is too late");
cmp_ok($held->{next_attempt_at}, "gt", utc($tuesday + 30 * DAY),
       "for a month");


# --- deadlines, urgency, facilities -----------------------------------------

# What waits at a paused partner, in the order in which it goes out then.

sub order_of {
    my ($http, @wanted) = @_;

    $world->reconfigure(partner => "retry=50ms,1s concurrency=1",
                        http => $http);
    renew();
    is($world->admin("POST", "/admin/v1/partners/insurance/pause",
                     { reason => "test" })->status, 200, "paused");

    my %name;
    for (@wanted) {
        my (undef, $doc) = sent(@$_);
        $name{$doc->sha256} = $_->[1] ? "$_->[0] $_->[1]" : $_->[0];
    }

    is($world->admin("POST", "/admin/v1/partners/insurance/resume",
                     {})->status, 200, "resumed");

    my @order;
    ok(wait_for(30, sub {
        @order = grep { defined } map { $name{$_->{sha256}} } $sim->received;
        return @order == @wanted;
    }), "all of them go out");

    return @order;
}


my @order = order_of("ehr_deadline claim 3d; ehr_deadline checkin 1d;",
                     (["claim"]) x 3, (["checkin"]) x 3);
is_deeply(\@order, [ ("checkin") x 3, ("claim") x 3 ],
          "the nearest deadline goes first, whatever came first");

@order = order_of("ehr_deadline claim 1d; ehr_deadline checkin 3d;",
                  (["checkin"]) x 3, (["claim"]) x 3);
is_deeply(\@order, [ ("claim") x 3, ("checkin") x 3 ],
          "and the other way around");

@order = order_of("", (["claim"]) x 4, (["checkin"]) x 12);
cmp_ok(scalar(grep { $_ eq "checkin" } @order[0 .. 7]), ">=", 6,
       "what is urgent is not behind bulk");
cmp_ok(scalar(grep { $_ eq "claim" } @order[0 .. 7]), ">=", 1,
       "and bulk is not starved");

@order = order_of("", (["checkin", "99001"]) x 8, ["checkin", "99002"]);
ok((grep { $_ eq "checkin 99002" } @order[0 .. 1]),
   "one document of a hospital is not behind another's eight");

$world->finish;
done_testing();
