#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A running or starting gateway meets a journal with pages of noise, or a log
# that was removed, cut or written over: nothing is acknowledged any more,
# everybody who looks is told, other documents go out, and the steps of
# administration.md bring it back.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(accepted_id wait_state);
use EHR::Document;
use EHR::Util qw(build run slurp spew wait_for);
use EHR::World;

use constant PAGE => 4096;         # of SQLite

my $world = EHR::World->new(workers => 2, redis => 0,
                            partner => "retry=50ms,300ms deadline=3d");
$world->allow(qr/content of document .* cannot be read|damaged/);
$world->start;
$world->enrol("99001");

my $sim = $world->sim;
my $client = $world->client("99001");
my %stored;                       # id => document

delete @ENV{grep { /^EHR_(ADMIN|PKI)/ || /^LC_|^LANG/ } keys %ENV};
$ENV{LANG} = "en_US.UTF-8";
$ENV{EHR_PKI} = $world->pki;
$ENV{EHR_ADMIN} = "https://localhost:" . $world->port("admin");


sub sql {
    return run("sqlite3", "-cmd", ".timeout 5000", $world->journal, $_[0]);
}


sub claim {
    return EHR::Document->claim(facility => "99001", only => [ "XML1" ]);
}


# A document on a connection of its own, for any worker.

sub submit {
    my ($doc) = @_;

    $client->close;

    my $res = $world->submit($client, $doc);

    $stored{$res->json->{id}} = $doc if $res && $res->status =~ /^20[02]$/;

    return $res;
}


# How many of the documents that were acknowledged are given out as they are.

sub whole {
    $client->close;

    return scalar(grep {
        my $res = $world->get($client, "/v1/documents/$_/content");
        $res && $res->status == 200 && $res->body eq $stored{$_}->bytes
    } sort keys %stored);
}


sub all_settled {
    return wait_for(20, sub {
        sql("SELECT count(*) FROM deliveries WHERE state <> 'accepted'"
            . " AND reason <> 'content.damaged'") == 0
    });
}


# Pages of the file become noise; everybody reads them anew, as after the
# machine has needed its memory elsewhere.

sub noise {
    my ($path, @at) = @_;

    open(my $file, "+<:raw", $path) or die "$path: $!";

    for my $at (@at) {
        sysseek($file, $at, 0);
        syswrite($file, "\xa5" x PAGE);
    }

    return close($file);
}

sub spoil {
    my ($pages) = @_;

    wait_for(10, sub { sql("PRAGMA wal_checkpoint(TRUNCATE)") =~ /^0/ });
    noise($world->journal, map { ($_ - 1) * PAGE }
          split(" ", sql("SELECT pageno FROM dbstat WHERE $pages")));
    sql("CREATE TABLE forget (x); DROP TABLE forget");

    return;
}


sub told {
    return scalar(() = $world->log("error")
                       =~ /journal ".+" is damaged, nothing new/g);
}


# Each of several documents is refused, and everybody is told.

sub is_refused {
    my ($what, $told) = @_;

    my @res = map { submit(claim()) } 1 .. 6;

    is(scalar(grep { $_ && $_->code eq "store.unavailable"
                     && $_->status == 503 && $_->header("Retry-After")
                   } @res), 6, "$what: 503, and a time to come again");
    is($world->ops("/readyz")->status, 503, "$what: not ready");
    is($world->metric("ehr_store_corrupt"), 1, "$what: counted");
    cmp_ok(told(), ">", $told, "$what: in the log");

    my $file = $world->dir . "/doctor";
    isnt(system(build() . "/ehrctl doctor >$file 2>&1"), 0,
         "$what: the doctor fails");
    like(slurp($file), qr/^store +fail/m, "$what: because of the store");

    return;
}


# --- an index, while it runs ------------------------------------------------

submit(claim()) for 1 .. 12;
ok(all_settled(), "documents are delivered");

$sim->stop;
my @waiting = map { accepted_id(submit(claim())) } 1 .. 4;
ok(wait_state($world, $client, $_, "retrying"), "one waits") for @waiting;

my $told = told();
spoil("name = 'submissions_bytes'");
is_refused("an index", $told);
is(whole(), scalar(keys %stored), "what is stored can be read");

$sim->start;
ok(wait_state($world, $client, $_, "accepted", 20), "what waited goes out")
    for @waiting;

$client->close;
$world->reload;
ok(wait_for(10, sub { submit(claim())->status == 503 }),
   "a reload mends nothing");


# --- the steps of the page --------------------------------------------------

$world->stop;

my $dir = $world->dir . "/recovery";
mkdir($dir) or die $!;
run("cp", $world->journal, "$dir/copy.sqlite");
run("cp", $world->journal . "-wal", "$dir/copy.sqlite-wal")
    if -e $world->journal . "-wal";

my ($block) = slurp("$Bin/../docs/administration.md")
              =~ /^4\. .*?^   ```\n(.*?)^   ```/ms;
$block =~ s{docs/recover\.sql}{$Bin/../docs/recover.sql};
spew("$dir/step4", $block);
is(run("sh", "-c", "cd $dir && sh ./step4"), "ok\n", "read anew");

unlink(map { $world->journal . $_ } "-wal", "-shm");
run("cp", "$dir/new.sqlite", $world->journal);
chmod(0600, $world->journal);
$world->restart;

is($world->ops("/readyz")->status, 200, "ready again");
is(whole(), scalar(keys %stored), "every document is there");
is(submit(claim())->status, 202, "new ones are accepted");
is(submit((values %stored)[0])->status, 200, "and old ones known");
ok(all_settled(), "and delivered");


# --- the bytes of one document ----------------------------------------------

$sim->stop;

my $large = claim();
my $damaged = accepted_id(submit($large));
my $other = accepted_id(submit(claim()));
ok(wait_state($world, $client, $_, "retrying"), "one waits")
    for $damaged, $other;

my $seq = sql("SELECT seq FROM submissions WHERE id = '$damaged'") + 0;
$world->stop;
wait_for(10, sub { sql("PRAGMA wal_checkpoint(TRUNCATE)") =~ /^0/ });
sql("UPDATE contents SET bytes = zeroblob(length(bytes)) WHERE seq = $seq");
$world->restart;
$client->close;
$sim->start;

ok(wait_state($world, $client, $other, "accepted", 20), "the other goes out");
my $held = wait_state($world, $client, $damaged, "held", 20);
is($held && $held->{reason}, "content.damaged", "the damaged one is held");
is(scalar(grep { $_->{sha256} eq $large->sha256 } $sim->received), 0,
   "and never sent");
isnt($world->get($client, "/v1/documents/$damaged/content")->status, 200,
     "nor given out");
delete $stored{$damaged};


# --- no database at all, at a start -----------------------------------------

$world->stop;
run("cp", $world->journal, "$dir/well");
noise($world->journal, 0);
$world->restart;

is($world->ops("/readyz")->status, 503, "it starts, and is not ready");
like($world->log("error"), qr/file is not a database/, "and says why");
isnt(eval { submit(claim())->status } || 0, 202, "nothing is accepted");

$world->stop;
run("cp", "$dir/well", $world->journal);
$world->restart;
is(whole(), scalar(keys %stored), "with its file back all is there");


# --- the log ----------------------------------------------------------------

# What is in the database is safe.  Of the others each is there whole, or not
# at all; and can be sent again.

sub log_file { return $world->journal . "-wal" }

# A stop alone does not empty the log where two workers end at the same
# moment: neither is the last one.

sub empty_log {
    $world->stop;
    wait_for(10, sub { sql("PRAGMA wal_checkpoint(TRUNCATE)") =~ /^0/ });
    $world->restart;

    return;
}

sub is_half_lost {
    my ($what, @late) = @_;

    $world->restart;
    $client->close;

    my %states;

    for my $id (@late) {
        my $res = $world->get($client, "/v1/documents/$id/content");

        $states{$res->status}++;
        $states{other}++ if $res->status == 200
                            && $res->body ne $stored{$id}->bytes;
    }

    is_deeply([ grep { !/^(200|404)$/ } keys %states ], [],
              "$what: what was in it is there whole, or not at all");
    is(submit(delete $stored{$_})->status =~ /^20[02]$/ ? 1 : 0, 1,
       "$what: it is sent again") for @late;
    ok(all_settled(), "$what: and delivered");
    is(whole(), scalar(keys %stored), "$what: then all are there");

    return;
}

for my $case (
    [ "a log that is cut", "stop",
      sub { truncate(log_file(), (-s log_file()) / 2) } ],
    [ "a log that is written over", "stop",
      sub { noise(log_file(),
                  map { $_ * PAGE } 0 .. (-s log_file()) / PAGE) } ],
    [ "a log that is removed", "kill_all", sub { unlink(log_file()) } ],
) {
    my ($what, $end, $do) = @$case;

    empty_log();

    my @late = map { accepted_id(submit(claim())) } 1 .. 3;
    all_settled();
    $told = told();
    ok($do->(), $what);
    is_refused($what, $told);
    $world->$end;
    is(sql("PRAGMA integrity_check"), "ok\n", "$what: the database is whole");
    is_half_lost($what, @late);
}

empty_log();

my @late = map { accepted_id(submit(claim())) } 1 .. 3;
all_settled();
$world->kill_all;
noise(log_file(), (-s log_file()) / 2);
is_half_lost("a log with noise, at a start", @late);

$world->finish;
done_testing();
