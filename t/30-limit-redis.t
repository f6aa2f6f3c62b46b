#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Redis counts over all workers and nodes, and no request ever fails for it:
# killed, stopped, restarted, emptied, shut behind a password or TLS, or
# talking nonsense, it is replaced by the bucket in shared memory at once, said
# once in the log when it goes and once when it is back.

use strict;
use warnings;

use IO::Socket::INET;
use POSIX ();
use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Document;
use EHR::Load;
use EHR::Util qw(free_port run spew wait_for);
use EHR::World;

# A world whose ehr_redis may be any text (redis_line).

package World;

our @ISA = ("EHR::World");

sub _write_conf {
    my ($self) = @_;

    $self->SUPER::_write_conf;

    my $line = $self->{o}{redis_line};
    return unless defined $line;

    my $conf = $self->conf;
    $conf =~ s/ehr_redis [^;]+;/ehr_redis $line;/;
    EHR::Util::spew("$self->{dir}/nginx.conf", $conf);

    return;
}

package main;

use constant {
    WORKERS  => 2,
    LOAD     => 800,
    BACK_SEC => 15,         # the longest pause, and some
    KEY      => "ehr:gcra:{99001}",
};

# A rate so slow that a bucket is not forgotten between two lines here.

my $world = World->new(
    workers => WORKERS, sim => 0, rate => "60r/m burst=100000",
    redis_options => "timeout=50ms",
);

$world->start;
$world->enrol("99001");

my $client = $world->client("99001");
my $socket = "unix:$world->{sockets}/redis";
my $small = EHR::Document->raw("<NOTHING/>");


sub redis {
    return run("redis-cli", "-s", "$world->{sockets}/redis", "--raw", @_);
}


sub checks {
    my ($by) = @_;

    return $world->metric("ehr_limit_checks_total{by=\"$by\"}");
}


# One request; who decided it.

sub decided_by {
    my %before = map { $_ => checks($_) } qw(redis local fallback);

    my $res = $world->submit($client, $small);
    $res = $world->submit($client, $small) unless $res;   # kept alive, closed

    return "not let through" unless $res && $res->status == 422;

    for my $by (qw(redis local fallback)) {
        return $by if checks($by) > $before{$by};
    }

    return "nobody";
}


# All workers, for the next connection may be another's.

sub is_back {
    my ($why) = @_;

    my $row = 0;

    ok(wait_for(BACK_SEC, sub {
        $client->close;
        $row = decided_by() eq "redis" ? $row + 1 : 0;
        return $row >= 4 * WORKERS;
    }), $why);

    return;
}


sub lines {
    my ($pattern) = @_;

    return scalar(() = $world->log("error") =~ /$pattern/g);
}

sub losses  { return lines(qr/\[error\].*redis is away/) }
sub returns { return lines(qr/\[notice\].*redis is back/) }


# --- Redis decides -----------------------------------------------------------

is_back("Redis decides");

is(redis("EXISTS", KEY), "1\n", "its key is the facility's");
cmp_ok(redis("PTTL", KEY), ">=", 0, "and goes when it no longer matters");

my $res = $world->submit($client, $small);
like($res->header("RateLimit"), qr/^"facility";r=\d+;t=\d+$/, "told so");

# Another node used it all up: the bucket here knows nothing of that.

my ($sec, $usec) = split(/\n/, redis("TIME"));
redis("SET", KEY, sprintf("%d", ($sec + 10_000_000) * 1_000_000));

$res = $world->submit($client, $small);
is($res->status, 429, "what other nodes let through counts here");
is($res->code, "limit.rate", "with its code");
cmp_ok($res->header("Retry-After"), ">=", 1, "and Retry-After");

redis("DEL", KEY);
is(decided_by(), "redis", "a bucket that is gone is a full one");


# --- the cache of scripts is emptied -----------------------------------------

my $lost = losses();
my $fallbacks = checks("fallback");

redis("SCRIPT", "FLUSH");
is(decided_by(), "redis", "after SCRIPT FLUSH the text is sent anew");
is(decided_by(), "redis", "and is known again");
is(losses(), $lost, "nothing was lost");
is(checks("fallback"), $fallbacks, "nothing was decided here");


# --- a key of another type ---------------------------------------------------

redis("DEL", KEY);
redis("RPUSH", KEY, "x");
is(decided_by(), "fallback", "a key of another type refuses nobody");
like($world->log("error"), qr/redis is away.*it does not decide/,
     "and is said");
redis("DEL", KEY);
is_back("when it is gone Redis decides again");


# --- killed and restarted ----------------------------------------------------

$lost = losses();
$world->redis_kill;

is(decided_by(), "fallback", "Redis killed: request $_ is decided here")
    for 1 .. 5;

$client->close;
cmp_ok(losses() - $lost, "<=", WORKERS, "each worker says so once");
cmp_ok(losses() - $lost, ">=", 1, "it is said");
cmp_ok($world->metric("ehr_redis_lost_total"), ">=", 1, "and counted");

my $back = returns();
$world->redis_start;
is_back("restarted: Redis decides again");
cmp_ok(returns(), ">", $back, "which is said once a worker");
like($world->log("error"), qr/redis is back.*decided_here=[1-9]/,
     "with the number of checks decided here");


# --- stopped -----------------------------------------------------------------

$lost = losses();
$world->redis_stop;

is(decided_by(), "fallback", "Redis stopped: request $_ is decided here")
    for 1 .. 5;
like($world->log("error"), qr/redis is away.*too slowly/, "which is said");

# So long that the connection is given up as well.

my $until = time() + 2;
my $others = 0;

while (time() < $until) {
    $others++ if decided_by() ne "fallback";
}

is($others, 0, "and so is every one of the next seconds");
cmp_ok(losses() - $lost, "<=", WORKERS, "each worker says so once");

$world->redis_cont;
is_back("continued: Redis decides again");


# --- one slow answer: the connection stays -----------------------------------

$lost = losses();
redis("CLIENT", "PAUSE", 300, "ALL");
is(decided_by(), "fallback", "a pause is not waited for");
is_back("after it Redis decides again, its late answers are dropped");


# --- the limit holds while Redis is away -------------------------------------

$world->redis_kill;
$world->reconfigure(rate => "1r/m burst=20");
$client->close;

my %statuses;
$statuses{$world->submit($client, $small)->status}++ for 1 .. 25;

cmp_ok($statuses{429}, ">=", 5, "without Redis the local share holds");
$client->close;

$world->redis_start;
$world->reconfigure(rate => "60r/m burst=100000");
is_back("and then Redis decides again");


# --- a password --------------------------------------------------------------

my $secret = "mat-khau-cua-redis-7311";
spew("$world->{dir}/redis.password", "$secret\r\n", 0600);
spew("$world->{dir}/redis.wrong", "another-$secret", 0600);

redis("CONFIG", "SET", "requirepass", $secret);
$lost = losses();

$world->reconfigure(redis_line => "$socket timeout=50ms "
                                  . "password_file=$world->{dir}/redis.wrong");
$client->close;

is(decided_by(), "fallback", "a wrong password: decided here");
ok(wait_for(BACK_SEC, sub { losses() - $lost == WORKERS }),
   "each worker says so");
like($world->log("error"), qr/does not let us in: WRONGPASS/, "and why");

$world->reconfigure(redis_line => "$socket timeout=50ms db=3 "
                               . "password_file=$world->{dir}/redis.password");
is_back("the right password, and a database of its own");
is(redis("-a", $secret, "--no-auth-warning", "-n", 3, "EXISTS", KEY), "1\n",
   "the key is there");

redis("-a", $secret, "--no-auth-warning", "ACL", "SETUSER", "gateway", "on",
      ">$secret", "+\@all", "~ehr:*");
$world->reconfigure(redis_line => "$socket timeout=50ms user=gateway "
                               . "password_file=$world->{dir}/redis.password");
is_back("a user of its own");

unlike($world->log("error"), qr/\Q$secret\E/, "no password in the log");


# --- TLS ---------------------------------------------------------------------

my $pki = $world->pki;
my $port = free_port();

redis("-a", $secret, "--no-auth-warning", "CONFIG", "SET",
      "tls-cert-file", "$pki/server-ecdsa.pem",
      "tls-key-file", "$pki/server-ecdsa.key",
      "tls-ca-cert-file", "$pki/server-ca.pem",
      "tls-auth-clients", "no");
redis("-a", $secret, "--no-auth-warning", "CONFIG", "SET", "tls-port", $port);

my $tls = "127.0.0.1:$port timeout=50ms "
          . "password_file=$world->{dir}/redis.password ssl=on";

$world->reconfigure(redis_line => "$tls ca=$pki/server-ca.pem "
                                  . "name=localhost");
is_back("over TLS");

for my $case (
    [ "ca=$pki/server-ca.pem name=other.example", "another name" ],
    [ "ca=$pki/hospital-ca.pem name=localhost", "not trusted" ],
) {
    my ($options, $why) = @$case;

    $world->reconfigure(redis_line => "$tls $options");
    $client->close;

    is(decided_by(), "fallback", "its certificate has $why: decided here");
    ok(wait_for(BACK_SEC, sub { lines(qr/redis is away.*\Q$why\E/) }),
       "which is said");
}

# Plain text against TLS, and TLS against plain text.

$world->reconfigure(redis_line => "127.0.0.1:$port timeout=50ms");
$client->close;
is(decided_by(), "fallback", "plain text to a TLS port: decided here");

$world->reconfigure(redis_line => "$socket timeout=50ms ssl=on "
                                  . "ca=$pki/server-ca.pem name=localhost");
$client->close;
is(decided_by(), "fallback", "TLS to a plain socket: decided here");


# --- a strange server --------------------------------------------------------

# Answers each command with what it is told to: a reply for SCRIPT, PING and
# EVALSHA (or EVAL); undef closes.

sub strange_serve {
    my ($c, $replies) = @_;

    my $bytes = "";

    while (sysread($c, my $more, 65536)) {
        $bytes .= $more;

        while ($bytes =~ s/^\*(\d+)\r\n//) {
            my @words;

            for (1 .. $1) {
                while ($bytes !~ /^\$(\d+)\r\n/ || length $bytes
                       < length($1) + 3 + $1 + 2)
                {
                    sysread($c, $bytes, 65536, length $bytes) or return;
                }

                $bytes =~ s/^\$(\d+)\r\n//;
                push @words, substr($bytes, 0, $1);
                substr($bytes, 0, $1 + 2) = "";
            }

            my $reply = $replies->{$words[0]};
            return unless defined $reply;
            syswrite($c, $reply);
        }
    }

    return;
}


sub strange {
    my (%replies) = @_;

    my $listen = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 50,
                                       Proto => "tcp") or die "listen: $!";
    my $pid = fork();
    die "cannot fork: $!" unless defined $pid;

    if ($pid == 0) {
        $SIG{CHLD} = "IGNORE";
        $SIG{ALRM} = "DEFAULT";
        alarm(300);

        while (my $c = $listen->accept) {
            next if fork();
            alarm(60);
            strange_serve($c, \%replies);
            POSIX::_exit(0);
        }

        POSIX::_exit(0);
    }

    return ($listen->sockport, $pid);
}


my %good = (
    SCRIPT  => "\$40\r\n" . "a" x 40 . "\r\n",
    PING    => "+PONG\r\n",
    EVALSHA => "*3\r\n:1\r\n:1000\r\n:1700000000000000\r\n",
);

my @cases = (
    [ "no RESP at all", qr/RESP/, SCRIPT => "HTTP/1.1 400 Bad Request\r\n" ],
    [ "a digest too short", qr/take the scripts/, SCRIPT => "\$3\r\nabc\r\n" ],
    [ "an error for PING", qr/not ready: LOADING/,
      PING => "-LOADING Redis is loading\r\n" ],
    [ "more than was asked", qr/without being asked/,
      PING => "+PONG\r\n+PONG\r\n" ],
    [ "a close", qr/closed the connection/, EVALSHA => undef ],
    [ "text instead of numbers", qr/another kind/,
      EVALSHA => "*3\r\n:1\r\n\$1\r\nx\r\n:0\r\n" ],
    [ "too few numbers", qr/another kind/, EVALSHA => "*2\r\n:1\r\n:0\r\n" ],
    [ "too many numbers", qr/another kind/,
      EVALSHA => "*4\r\n:1\r\n:0\r\n:0\r\n:0\r\n" ],
    [ "nested arrays", qr/another kind|RESP/,
      EVALSHA => "*3\r\n" . "*1\r\n" x 20 . ":1\r\n" ],
    [ "nothing", qr/another kind/, EVALSHA => "\$-1\r\n" ],
    [ "a number out of range", qr/make no sense/,
      EVALSHA => "*3\r\n:7\r\n:-5\r\n:0\r\n" ],
    [ "a number far too large", qr/make no sense/,
      EVALSHA => "*3\r\n:1\r\n:9223372036854775807\r\n:0\r\n" ],
    [ "a read-only replica", qr/does not decide: READONLY/,
      EVALSHA => "-READONLY You can't write\r\n" ],
    [ "NOSCRIPT for ever", qr/does not decide: NOSCRIPT/,
      EVALSHA => "-NOSCRIPT No matching script\r\n",
      EVAL => "-NOSCRIPT No matching script\r\n" ],
    [ "a string that never ends", qr/too slowly|RESP/,
      EVALSHA => "\$536870912\r\n" . "x" x 200_000 ],
    [ "an array of a thousand million", qr/too slowly|RESP|another kind/,
      EVALSHA => "*1000000000\r\n:1\r\n" ],
    [ "half an answer", qr/too slowly/, EVALSHA => "*3\r\n:1\r\n:10" ],
);

for my $case (@cases) {
    my ($name, $why, %replies) = @$case;

    my ($strange_port, $pid) = strange(%good, %replies);

    $world->reconfigure(redis_line => "127.0.0.1:$strange_port timeout=50ms");

    my $is_let_through = 1;
    my $is_said = wait_for(BACK_SEC, sub {
        $client->close;
        $is_let_through = 0 if decided_by() eq "not let through";
        return lines(qr/redis is away.*:$strange_port .*$why/);
    });

    ok($is_said, "$name: the connection is given up");
    ok($is_let_through, "and no request is refused");

    kill("KILL", $pid);
    waitpid($pid, 0);
}


# --- real documents ----------------------------------------------------------

$world->reconfigure(redis_line => "$socket timeout=50ms "
                               . "password_file=$world->{dir}/redis.password");
is_back("the real one again");

for my $what (qw(redis_stop redis_cont redis_kill)) {
    $world->$what;

    is($world->submit($client, EHR::Document->claim(facility => "99001"))
             ->status, 202, "a claim is accepted after $what") for 1 .. 2;
}


# --- under load ------------------------------------------------------------

# As it is used: 5 ms for a check, and everything happens to Redis meanwhile.

my $line = "$socket password_file=$world->{dir}/redis.password";

$world->redis_start;
redis("CONFIG", "SET", "requirepass", $secret);
$world->reconfigure(redis_line => $line);

my $load = EHR::Load->new($world,
    facilities => [ "99001" ],
    claim      => { only => [ "XML1" ] },
    options    => [ "--connections", 8, "--requests", LOAD, "--rate", 200 ]);

my %before = map { $_ => checks($_) } qw(redis fallback);

$load->start;

for my $what (qw(redis_stop redis_cont redis_kill redis_start)) {
    my $seen = $world->metric('ehr_documents_total{result="accepted"}');

    wait_for(BACK_SEC, sub {
        return $world->metric('ehr_documents_total{result="accepted"}')
               >= $seen + LOAD / 10;
    });

    $world->$what;
}

my $result = $load->wait;

is($load->status, 0, "every answer under load is right");
is($result->{by_status}{202}, LOAD, "every document is accepted");
cmp_ok(checks("redis"), ">", $before{redis}, "Redis decided some");
cmp_ok(checks("fallback"), ">", $before{fallback},
       "the rest was decided here");
is(checks("redis") + checks("fallback") - $before{redis} - $before{fallback},
   LOAD, "and each once");


# --- what is written wrong does not start ------------------------------------

spew("$world->{dir}/redis.empty", "\n", 0600);
spew("$world->{dir}/redis.open", $secret, 0644);

for my $case (
    [ "redis.example:6379", "no literal address" ],
    [ "127.0.0.1:99999", "invalid port" ],
    [ "127.0.0.1 timeout=0", "timeout" ],
    [ "127.0.0.1 timeout=2s", "timeout" ],
    [ "127.0.0.1 colour=red", "invalid parameter" ],
    [ "127.0.0.1 db=x", "db=" ],
    [ "127.0.0.1 user=x", "password_file" ],
    [ "127.0.0.1 password_file=$world->{dir}/none", "no such file" ],
    [ "127.0.0.1 password_file=$world->{dir}/redis.open", "chmod 0600" ],
    [ "127.0.0.1 password_file=$world->{dir}/redis.empty", "empty" ],
    [ "127.0.0.1 ssl=yes", "neither" ],
    [ "127.0.0.1 ssl=on name=localhost", "needs" ],
    [ "127.0.0.1 ssl=on ca=$pki/server-ca.pem", "needs" ],
    [ "127.0.0.1 ca=$pki/server-ca.pem", "only with" ],
    [ "off timeout=5ms", "nothing more" ],
    [ "127.0.0.1; ehr_redis off", "is duplicate" ],
) {
    my ($line, $why) = @$case;

    my ($is_good, $said) = $world->nginx_t(redis_line => $line);
    ok(!$is_good && $said =~ /\[emerg\].*\Q$why\E/, "ehr_redis: $why")
        or diag("$line: $said");
}

for my $line ("127.0.0.1", "[::1]:6380 timeout=1ms db=0", "off",
              "unix:/tmp/none ssl=off")
{
    my ($is_good, $said) = $world->nginx_t(redis_line => $line);
    ok($is_good, "ehr_redis $line") or diag($said);
}

unlike($world->log("error"), qr/\Q$secret\E/, "no password in the log");

$world->allow(qr/\[emerg\]/);
$world->finish;
done_testing();
