# SPDX-License-Identifier: BSD-2-Clause

package EHR::Sim;

# A partner simulator (t/sim/insurance, t/sim/standin) under the test's hand.
# EHR::World starts them; $world->sim gives the insurance's, $world->standin
# that of the partner that must not get a document twice.
#
#   $sim->mode("http-500", count => 2, facility => "99001", delay_ms => 100)
#                        misbehaves from now on (t/sim/README.md lists how);
#                        "normal" ends it
#   $sim->stats          { outcomes => {}, logins, documents,
#                          distinct_sha256, duplicates, ... }
#   $sim->reset          forgets modes, sessions and counts, keeps the files
#   $sim->received       list of { file, sha256, document_id, attempt, path,
#                        outcome }, oldest first
#   $sim->refused        the same for what it refused
#   $sim->bytes($one)    the bytes of one of them
#   $sim->wait_received($n, $sec)    until there are $n; gives the list
#   $sim->port  $sim->pid  $sim->stop
#   $sim->start          on the same port; the insurance's also in a mode:
#                        $sim->start("slow", delay_ms => 400)

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path qw(make_path);
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();

use EHR::Client;
use EHR::Util qw(top wait_for slurp spew);

use constant START_SEC => 15;


sub new {
    my ($class, %o) = @_;

    return bless { program => "insurance", token_ttl => 600, %o }, $class;
}


sub port { return $_[0]{port} }
sub pid  { return $_[0]{pid} }


sub start {
    my ($self, $mode, %o) = @_;

    my $dir = $self->{dir};
    make_path($dir);
    unlink "$dir/port", "$dir/control";

    my @own;

    if ($self->{program} eq "insurance") {
        spew("$dir/accounts", JSON::PP->new->encode($self->{accounts}));
        @own = ("--accounts", "$dir/accounts",
                "--token-ttl", $self->{token_ttl});
        push @own, "--mode", $mode, "--delay-ms", $o{delay_ms} || 0 if $mode;
    }

    my @command = (top() . "/t/sim/$self->{program}",
        "--port", $self->{port} || 0, "--port-file", "$dir/port",
        "--control-port", 0, "--control-port-file", "$dir/control",
        "--cert", "$self->{pki}/insurance.pem",
        "--key", "$self->{pki}/insurance.key",
        "--received", "$dir/received", @own);

    my $pid = fork();
    die "cannot fork: $!" unless defined $pid;

    if ($pid == 0) {
        open(STDIN, "<", "/dev/null");
        open(STDOUT, ">>", $self->{log});
        open(STDERR, ">&", \*STDOUT);
        POSIX::setsid();
        exec(@command) or POSIX::_exit(127);
    }

    $self->{pid} = $pid;

    my $is_up = wait_for(START_SEC, sub {
        return "gone" if waitpid($pid, POSIX::WNOHANG()) != 0;
        return slurp("$dir/control") =~ /\d/ && slurp("$dir/port") =~ /\d/;
    });

    if (!$is_up || $is_up eq "gone") {
        die "the simulator did not come up:\n" . slurp($self->{log});
    }

    ($self->{port}) = slurp("$dir/port") =~ /(\d+)/;
    ($self->{control}) = slurp("$dir/control") =~ /(\d+)/;

    return $self;
}


sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;

    kill("CONT", $pid);
    kill("TERM", $pid);
    return if wait_for(2, sub { waitpid($pid, POSIX::WNOHANG()) != 0 });

    kill("KILL", $pid);
    waitpid($pid, 0);

    return;
}


sub _control {
    my ($self, $method, $path, $json) = @_;

    my $client = EHR::Client->new(port => $self->{control}, tls => 0);
    my $res = $client->request($method, $path,
        headers => [ "Content-Type" => "application/json",
                     "Connection" => "close" ],
        body => $json ? JSON::PP->new->utf8->encode($json) : "");

    die "the simulator does not answer" unless $res;
    die "the simulator refuses: " . $res->body unless $res->status == 200;

    return $res->json;
}


sub mode {
    my ($self, $mode, %o) = @_;

    return $self->_control("POST", "/control", { mode => $mode, %o });
}


sub stats { return $_[0]->_control("GET", "/stats") }
sub reset { return $_[0]->_control("POST", "/reset") }


sub _kept {
    my ($self, $folder) = @_;

    return map {
        my $meta = JSON::PP->new->utf8->decode(slurp($_));
        +{ %$meta, file => s/\.meta$//r }
    } sort glob("$self->{dir}/$folder/*.meta");
}


sub received { return $_[0]->_kept("received") }
sub refused  { return $_[0]->_kept("refused") }
sub bytes    { return slurp($_[1]{file}) }


sub wait_received {
    my ($self, $n, $sec) = @_;

    wait_for($sec || 10, sub {
        my @files = glob("$self->{dir}/received/*.meta");
        return @files >= $n;
    }) or return ();

    return $self->received;
}


1;
