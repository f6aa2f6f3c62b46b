#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# What "make run" promises: a world of its own folder and ports, whose samples
# end in receipts and in the same bytes at the partner; run again it keeps the
# journal; a partner of the visitor's own is used in place of the simulator;
# "make stop" ends what was started and nothing else.

use strict;
use warnings;

use File::Path qw(remove_tree);
use IO::Socket::INET;
use POSIX ();
use Test::More;

use EHR::Client;
use EHR::Util qw(top build wait_for slurp);

use constant { ADMIN => 1000, OPS => 737, TRIES => 50 };

my $dir = build() . "/t/run/98-run.$$";

# The first of a block: its fellows are free as well.

sub free_block {
    for (1 .. TRIES) {
        my $base = 20000 + int(rand(20000));
        my @sockets = grep { $_ } map {
            IO::Socket::INET->new(LocalAddr => "127.0.0.1",
                                  LocalPort => $_, Listen => 1)
        } ($base, $base + ADMIN, $base + OPS);

        return $base if @sockets == 3;
    }

    die "no free block of ports";
}

my $base = free_block();

sub world {
    my ($verb, %env) = @_;

    my $pid = open(my $out, "-|");
    die "cannot fork: $!" unless defined $pid;

    if ($pid == 0) {
        %ENV = (%ENV, EHR_BUILD => build(), EHR_RUN_DIR => $dir,
                EHR_RUN_PORT => $base, EHR_RUN_WORKERS => 2, %env);
        open(STDIN, "<", "/dev/null");
        open(STDERR, ">&", \*STDOUT);
        exec(top() . "/conf/dev/world.sh", $verb) or POSIX::_exit(127);
    }

    local $/;
    my $said = <$out>;
    close($out);

    return ($? == 0, defined $said ? $said : "");
}

sub env {
    return { map { /^(\w+)=(.*)$/ ? ($1 => $2) : () }
             split(/\n/, slurp("$dir/env")) };
}

sub pids {
    return { map { split(/ /) } split(/\n/, slurp("$dir/pids")) };
}

# How many of these run; one that nobody has reaped yet does not.

sub running {
    return scalar(grep { slurp("/proc/$_/stat") =~ /\) [^Z ]/ } @_);
}

# --- the first time ----------------------------------------------------------

my ($is_good, $said) = world("start");
ok($is_good, "started") or diag($said);

is(() = $said =~ /arrived .*: byte for byte/g, 3, "three samples arrived");
is(() = $said =~ /receipt +eyJ/g, 3, "three receipts");
like($said, qr/claim-99001-wrong\.xml: 422 document\.invalid/,
     "the wrong one is refused");
like($said, qr/MA_THUOC: M\xc3\xa3 thu\xe1\xbb\x91c/,
     "in Vietnamese, with the field");

my $env = env();
is($env->{EHR_GATEWAY}, "https://127.0.0.1:$base", "gateway's port");
is($env->{EHR_ADMIN}, "https://127.0.0.1:" . ($base + ADMIN), "admin's");
is($env->{EHR_OPS}, "http://127.0.0.1:" . ($base + OPS), "ops'");
ok(-s "$env->{EHR_PKI}/$_", "pki/$_") for qw(server-ca.pem hospital-ca.pem
    hospital-ca.key hospital-crl.pem token-issuer.pem 99001.pem 99001.key
    99002.pem 99002.key admin.pem admin.key);
like($env->{EHR_SIM_INSURANCE}, qr{^https://127\.0\.0\.1:\d+$},
     "the simulator's URL");

my $pids = pids();
is_deeply([ sort keys %$pids ], [ qw(insurance nginx redis) ],
          "what was started");
is(running(values %$pids), 3, "all of it runs");

# --- once more ---------------------------------------------------------------

($is_good, $said) = world("start", EHR_RUN_RATE => 3);
ok($is_good, "started again") or diag($said);
is(() = $said =~ /sent before/g, 3, "the journal was kept");
is(running(values %$pids), 0, "the old ones have gone");
like(slurp("$dir/nginx.conf"), qr/ehr_rate 3r\/s;/, "the rate");

# --- only its own ------------------------------------------------------------

# A pid file that names somebody else's process is not believed.

my $bystander = fork();
die "cannot fork: $!" unless defined $bystander;
if ($bystander == 0) {
    sleep(1) while 1;
}

$pids = pids();
open(my $file, ">", "$dir/.pid/bystander") or die $!;
print $file "$bystander 1\n";
close($file);

($is_good, $said) = world("stop");
ok($is_good, "stopped") or diag($said);
is(running(values %$pids), 0, "all of it has gone");
ok(kill(0, $bystander), "a bystander lives");
kill("KILL", $bystander);
waitpid($bystander, 0);

($is_good, $said) = world("stop");
ok($is_good, "stopped twice");

# --- a partner of the visitor's own ------------------------------------------

my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1",
                                     LocalPort => 0, Listen => 16)
    or die "cannot listen: $!";
my $url = "http://127.0.0.1:" . $listener->sockport . "/cong";

my $partner = fork();
die "cannot fork: $!" unless defined $partner;

if ($partner == 0) {
    while (my $socket = $listener->accept) {
        my $head = "";
        sysread($socket, $head, 65536);
        open(my $seen, ">>", "$dir/seen");
        print $seen $head;
        close($seen);
        print $socket "HTTP/1.1 500 No\r\nContent-Length: 0\r\n"
            . "Connection: close\r\n\r\n";
    }
    POSIX::_exit(0);
}

remove_tree("$dir/journal");
($is_good, $said) = world("start", EHR_RUN_SAMPLES => "no",
                          EHR_RUN_PARTNER_INSURANCE => $url);
ok($is_good, "started with another partner") or diag($said);
is(env()->{EHR_SIM_INSURANCE}, $url, "its URL");
ok(!exists pids()->{insurance}, "no simulator");
is(() = $said =~ /receipt/g, 0, "no samples");

my $status = system("EHR_GATEWAY=https://127.0.0.1:$base EHR_PKI=$dir/pki "
    . top() . "/t/clients/submit.sh 99001 "
    . top() . "/t/samples/checkin-99001.xml > $dir/said 2>&1");
is($status, 0, "a document is accepted") or diag(slurp("$dir/said"));
ok(wait_for(10, sub { slurp("$dir/seen") =~ m{^POST /cong/} }),
   "the visitor's server is asked, under its path");

kill("KILL", $partner);
waitpid($partner, 0);

# --- a port that is taken ----------------------------------------------------

($is_good) = world("stop");
ok($is_good, "stopped at the end");

my $taken = IO::Socket::INET->new(LocalAddr => "127.0.0.1",
                                  LocalPort => $base, Listen => 1,
                                  ReuseAddr => 1) or die "cannot listen: $!";
($is_good, $said) = world("start");
ok(!$is_good, "a port that is taken: not started");
like($said, qr/Address already in use/, "with the reason");
is(running(values %{pids()}), 0, "nothing is left");

my $alerts = slurp("$dir/logs/error.log") =~ s/.*bind\(\).*\n//gr;
$alerts =~ s/.*still could not bind.*\n//g;
unlike($alerts, qr/\[(alert|emerg|crit)\]/, "no alert in the log");
is_deeply([ glob("$dir/logs/sanitizer*") ], [], "nothing for a sanitizer");

END {
    my $status = $?;
    world("stop") if -d $dir;
    $? = $status;
}

remove_tree($dir) if Test::More->builder->is_passing;
done_testing();
