# SPDX-License-Identifier: BSD-2-Clause

package EHR::Util;

# Small things every test needs: where the build is, polling with a limit,
# ports and folders of one's own.
#
#   top()                 the folder of the sources
#   build()               the build folder (EHR_BUILD, else build/)
#   wait_for($sec, $sub)  calls $sub until it gives a true value, and gives
#                         that; undef when $sec seconds have passed
#   insist($sub)          calls it up to twenty times until it gives a true
#                         value and does not die; undef when it never does
#   free_port($host)      a TCP port nobody listens on now (127.0.0.1)
#   slurp($path)          the bytes of a file ("" when there is none)
#   spew($path, $bytes, $mode)
#                         writes a file; with a mode, gives it that first
#   run(@command)         runs it; gives its output; dies when it fails
#   is_sanitized()        the build under test has sanitizers (EHR_SANITIZE)
#   limit($sec)           a limit for this build: longer under sanitizers

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(top build wait_for insist free_port slurp spew run
    is_sanitized limit);

use constant SLOW_FACTOR => 5;

my $top = abs_path(dirname(__FILE__) . "/../../..");


sub top {
    return $top;
}


sub build {
    my $build = $ENV{EHR_BUILD} || "$top/build";

    return $build =~ m{^/} ? $build : "$top/$build";
}


sub is_sanitized {
    return $ENV{EHR_SANITIZE} || $ENV{EHR_VALGRIND};
}


sub limit {
    my ($sec) = @_;

    return is_sanitized() ? $sec * SLOW_FACTOR : $sec;
}


sub wait_for {
    my ($sec, $sub) = @_;

    my $until = time() + limit($sec);
    my $pause = 0.005;

    while (1) {
        my $value = $sub->();
        return $value if $value;
        return undef if time() > $until;

        sleep($pause);
        $pause *= 1.5 if $pause < 0.1;
    }
}


# What goes through a worker that may die is asked again, as a sender would:
# neither no answer nor a connection reset is the last word.

sub insist {
    my ($sub) = @_;

    my $value;

    for (1 .. 20) {
        return $value if eval { $value = $sub->() };
        sleep(0.02);
    }

    return undef;
}


sub free_port {
    my ($host) = @_;

    my $socket = IO::Socket::INET->new(
        LocalAddr => $host || "127.0.0.1",
        LocalPort => 0,
        Listen    => 1,
        Proto     => "tcp",
    ) or die "no free port: $!";

    return $socket->sockport;
}


sub slurp {
    my ($path) = @_;

    open(my $file, "<:raw", $path) or return "";
    local $/;
    my $bytes = <$file>;

    return defined $bytes ? $bytes : "";
}


sub spew {
    my ($path, $bytes, $mode) = @_;

    open(my $file, ">:raw", $path) or die "cannot write $path: $!";
    chmod($mode, $file) or die "cannot protect $path: $!" if defined $mode;
    print $file $bytes;
    close($file) or die "cannot write $path: $!";

    return;
}


sub run {
    my (@command) = @_;

    my $pid = open(my $out, "-|");
    die "cannot fork: $!" unless defined $pid;

    if ($pid == 0) {
        open(STDIN, "<", "/dev/null");
        open(STDERR, ">&", \*STDOUT);
        exec(@command) or print "cannot run $command[0]: $!\n";
        POSIX::_exit(127);
    }

    local $/;
    my $said = <$out>;
    close($out) or die "@command failed: " . (defined $said ? $said : "");

    return defined $said ? $said : "";
}


require POSIX;

1;
