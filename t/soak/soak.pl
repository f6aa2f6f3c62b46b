#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# "make soak": load and faults at once for a while, then calm, then a verdict
# over everything that was acknowledged: lost 0, repeated 0, stuck 0, out of
# order 0.  Exit status 1 when it is not clean.
#
#   EHR_SOAK_SECONDS    of load and faults, 120
#   EHR_SOAK_RATE       documents a second, 40
#   EHR_SOAK_WORKERS    2
#   EHR_SOAK_DRAIN      seconds after which what has not settled is stuck, 240
#   EHR_SOAK_DOCUMENT   the file whose table is written; default none
#   EHR_SOAK_DIR        for ledgers and summary.json, build/soak

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use FindBin qw($Bin);
use JSON::PP ();
use List::Util qw(max min sum);
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep time);

use lib "$Bin/../lib", $Bin;
use EHR::Report qw(machine replace table);
use EHR::Util qw(build run slurp spew top);
use EHR::World;
use Soak::Chaos;
use Soak::Ledger;
use Soak::Sender;
use Soak::Verdict;
use Soak::World;

use constant {
    SENDERS      => 4,
    FACILITIES   => [ qw(99001 99002) ],
    HARVEST_SEC  => 1,
    PROGRESS_SEC => 10,
    STEP_SEC     => 0.1,
    SENDERS_SEC  => 120,
    SHOWN        => 20,
};

my $seconds = $ENV{EHR_SOAK_SECONDS} || 120;
my $rate = $ENV{EHR_SOAK_RATE} || 40;
my $workers = $ENV{EHR_SOAK_WORKERS} || 2;
my $drain = $ENV{EHR_SOAK_DRAIN} || 240;
my $document = $ENV{EHR_SOAK_DOCUMENT};

# The harness speaks TAP; here the summary is what counts.
Test::More->builder->output(\my $tap);
$| = 1;

my $dir = $ENV{EHR_SOAK_DIR} || build() . "/soak";
remove_tree($dir);
make_path($dir);

my $world = Soak::World->new(
    workers      => $workers,
    partner      => "retry=100ms,2s concurrency=8",
    read_timeout => "2s",
    log_level    => "notice",
    daemon       => 1,
    main         => join("", map { "env $_;\n" } qw(LD_PRELOAD EHR_FAULT_DIR
        EHR_FAULT_PLAN ASAN_OPTIONS UBSAN_OPTIONS)),
    standin      => "retry=100ms,2s concurrency=8 query=100ms,1s"
                  . " queries=1000 set.query=on",
);

$world->allow(qr/exited on signal 9/);
$world->start;
$world->enrol($_) for @{FACILITIES()};

my $began = time();


# --- what the partner got ---------------------------------------------------

# The insurance takes a document twice where an answer was lost; the other one
# must not get any twice, and is asked instead.

my %partners = (
    insurance => { kinds => qr{^(?:claim|checkin)/}, repeat_safe => 1 },
    standin   => { kinds => qr{^notice/}, repeat_safe => 0 },
);

# Into the ledger, and away: a long soak must not fill the disk.  The newest
# file stays, for a simulator goes on counting from it; and the notes of the
# one that remembers over a restart what it took.

sub harvest_folder {
    my ($name, $folder) = @_;

    my $partner = $partners{$name};
    my $path = $world->dir . "/sim/$name/$folder";
    my @metas = sort glob("$path/*.meta");

    # A folder that is written to is not read at one moment: a lower number
    # may turn up after a higher one.

    for my $meta (grep { !$partner->{seen}{$_} } @metas) {
        my $kept = JSON::PP->new->utf8->decode(slurp($meta));
        my ($number) = $meta =~ m{/0*(\d+)-[^/]+$};

        $partner->{ledger}->arrived($number, $kept->{sha256},
            $kept->{outcome} eq "accepted" ? "200" : $kept->{outcome});
        $partner->{seen}{$meta} = 1;
    }

    for my $meta (@metas) {
        next if $meta eq $metas[-1];

        unlink $meta =~ s/\.meta$//r;
        unlink $meta if $partner->{repeat_safe};
    }

    return;
}


sub harvest {
    for my $name (sort keys %partners) {
        $partners{$name}{ledger} ||= Soak::Ledger->new("$dir/arrived.$name");
        harvest_folder($name, $_) for qw(received refused);
    }

    return;
}


sub lines_of {
    my ($path, $what) = @_;

    open(my $file, "<", $path) or return 0;
    my $n = grep { /^$what / } <$file>;

    return $n;
}


sub acknowledged {
    return sum(map { lines_of($_, "A") } glob("$dir/acknowledged.*")) || 0;
}


# --- what has not settled ---------------------------------------------------

# By state; undef when it cannot be known now: the journal recovers from a
# kill.

sub open_deliveries {
    my $said = eval {
        run("sqlite3", "-readonly", "-separator", " ", "-cmd",
            ".timeout 5000", $world->journal,
            "SELECT state, count(*) FROM deliveries"
            . " WHERE state IN ('pending', 'sending', 'retrying', 'held',"
            . " 'uncertain') GROUP BY state")
    };

    return defined $said ? { split(" ", $said) } : undef;
}


# --- the run ----------------------------------------------------------------

my @senders = map {
    Soak::Sender->new(world => $world, number => $_,
                      facility => FACILITIES->[$_ % @{FACILITIES()}],
                      rate => $rate / SENDERS,
                      ledger => "$dir/acknowledged.$_")->start
} 1 .. SENDERS;

my $chaos = Soak::Chaos->new(world => $world);
my $backlog = 0;
my $next_harvest = 0;
my $next_progress = time() + PROGRESS_SEC;


sub progress {
    my ($phase) = @_;

    return if time() < $next_progress;

    $next_progress += PROGRESS_SEC;

    my $open = open_deliveries() || { unknown => 0 };

    $backlog = max($backlog, sum(0, values %$open));
    my $states = join(" ", map { "$_ $open->{$_}" } sort keys %$open);

    printf("%4d s  %s  acknowledged %d  %s  %s\n", time() - $began, $phase,
           acknowledged(), $states || "all settled", $chaos->now);

    return;
}


sub look {
    my ($phase) = @_;

    if (time() >= $next_harvest) {
        harvest();
        $next_harvest = time() + HARVEST_SEC;
    }

    progress($phase);
    sleep(STEP_SEC);

    return;
}

my $load_began = time();

while (time() < $load_began + $seconds) {
    $chaos->turn;
    look("storm");
}

$chaos->calm;
$world->settle or die "the workers do not come back\n";

# A reload, for accounts that the partner's faults have blocked.
$world->reload;

$_->stop for @senders;

my $failed = grep { $_->wait != 0 } @senders;
my $load_sec = time() - $load_began;
my $drain_began = time();

while (time() < $drain_began + $drain) {
    my $open = open_deliveries();
    last if defined $open && !%$open;
    look("calm");
}

my $drain_sec = time() - $drain_began;

harvest();


# --- the verdict ------------------------------------------------------------

my $metrics = $world->ops("/metrics")->body;
my %metric = $metrics =~ /^(ehr_\S+) ([\d.]+)$/mg;

$world->finish;

my ($acknowledged, $unknown) = Soak::Ledger::read(glob("$dir/acknowledged.*"));
my $journal = Soak::Ledger::journal($world->journal);
my $verdict = { map { $_ => [] } Soak::Verdict::kinds() };
my $kept = 0;
my $judged = 0;

for my $name (sort keys %partners) {
    my $partner = $partners{$name};
    my (undef, undef, $arrived) = Soak::Ledger::read("$dir/arrived.$name");
    my @its = grep { $_->{key} =~ $partner->{kinds} } @$acknowledged;
    my $found = Soak::Verdict::judge(
        acknowledged => \@its,
        unknown      => [ grep { $_->{key} =~ $partner->{kinds} } @$unknown ],
        arrived      => $arrived,
        journal      => $journal,
        repeat_safe  => $partner->{repeat_safe});

    $judged += @its;
    $kept += grep { $_->{outcome} eq "200" } @$arrived;
    push @{$verdict->{$_}}, map { "$name $_" } @{$found->{$_}}
        for Soak::Verdict::kinds();
}

die "$judged of " . @$acknowledged . " acknowledged documents are judged\n"
    if $judged != @$acknowledged;

my %state;

$state{$_->{state}}++ for values %$journal;

my $is_clean = Soak::Verdict::clean($verdict) && $world->{is_clean}
               && !$failed;
my $counts = $chaos->counts;

my %summary = (
    at            => strftime("%Y-%m-%dT%H:%M:%SZ", gmtime),
    machine       => [ machine() ],
    seconds       => int($load_sec),
    drain_seconds => sprintf("%.1f", $drain_sec),
    rate          => sprintf("%.1f", @$acknowledged / $load_sec),
    acknowledged  => scalar(@$acknowledged),
    unknown       => scalar(@$unknown),
    arrived       => $kept,
    queries       => $metric{"ehr_queries_total"},
    states        => \%state,
    attempts      => $metric{"ehr_attempts_total"},
    recovered     => $metric{"ehr_deliveries_recovered_total"},
    backlog       => $backlog,
    chaos         => $counts,
    integrity     => $world->{is_clean} ? "ok" : "see the test's output",
    is_clean      => $is_clean ? JSON::PP::true() : JSON::PP::false(),
    map { $_ => scalar(@{$verdict->{$_}}) } Soak::Verdict::kinds(),
);

spew("$dir/summary.json", JSON::PP->new->canonical->pretty
     ->encode(\%summary));


sub summary_table {
    my @chaos = map { [ $_->[0], $counts->{$_->[1]} || 0 ] } (
        [ "workers killed (-9)", "kill" ],
        [ "master and workers killed (-9)", "crash" ],
        [ "reloads", "reload" ], [ "binary upgrades", "upgrade" ],
        [ "jumps of the wall clock", "clock" ],
        [ "bad days of the insurance", "partner" ],
        [ "bad days of a partner that must get nothing twice", "standin" ],
        [ "Redis killed or stopped", "redis" ],
        [ "faults of the journal's disk", "disk" ]);

    return table([ "", "" ],
        [ "seconds of load and faults", $summary{seconds} ],
        [ "acknowledged", $summary{acknowledged} ],
        [ "a second", $summary{rate} ], @chaos,
        [ "kept by the partners", $summary{arrived} ],
        [ "superseded by newer content", $state{superseded} || 0 ],
        [ "most that waited at once", $backlog ],
        [ "seconds until all had settled", $summary{drain_seconds} ],
        map({ [ "**$_**", "**$summary{$_}**" ] } Soak::Verdict::kinds()),
        [ "integrity of the journal", $summary{integrity} ]);
}

my $text = summary_table();

print "\n$text\n";

for my $kind (Soak::Verdict::kinds()) {
    my @found = @{$verdict->{$kind}};

    print "$kind: $_\n" for @found[0 .. min($#found, SHOWN - 1)];
}

print "a sender gave up\n" if $failed;
print $is_clean ? "clean\n" : "NOT clean: see $dir and " . $world->dir . "\n";

if ($document) {
    replace($document, "$summary{at}; " . join(", ", machine())
            . ".\n\n$text", "make soak");
}

Test::More->builder->no_ending(1);
exit($is_clean ? 0 : 1);
