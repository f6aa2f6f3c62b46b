# SPDX-License-Identifier: BSD-2-Clause

package EHR::Fault;

# The preloaded library of t/fault: what is to go wrong with the files of one
# folder, and with the clock, in all processes that were started with it.
#
#   my $fault = EHR::Fault->new(dir => "$dir/journal", plan => "$dir/plan",
#                               trace => "$dir/trace");      # trace: if any
#   $fault->run_with($sub);       # calls it with the environment set
#   $fault->set_environment;      # of this process, for good
#   $fault->plan("sync -wal 3 kill-before");       # see t/fault/preload.h;
#                                 # more lines: each after the one before
#   $fault->clear;
#   $fault->calls  $fault->hits   # since the last plan
#   $fault->clock(3600);          # the wall clock is so many seconds ahead
#
#   journal("check", $path, 0)    # runs build/t/fault/journal; gives
#                                 # (exit status, what it said); a ledger as
#                                 # the last argument, \$text

use strict;
use warnings;

use Exporter qw(import);
use IPC::Open2 qw(open2);

use EHR::Util qw(build is_sanitized spew slurp);

our @EXPORT_OK = qw(journal);

use constant {
    PAGE      => 4096,
    AT_COUNTS => 512,
    AT_CLOCK  => 1024,
};


sub new {
    my ($class, %o) = @_;

    my $self = bless { trace => "", %o }, $class;

    spew($self->{plan}, "\0" x PAGE);

    return $self;
}


sub _put {
    my ($self, $at, $bytes) = @_;

    open(my $file, "+<:raw", $self->{plan}) or die "no plan: $!";
    sysseek($file, $at, 0);
    syswrite($file, $bytes) == length($bytes) or die "the plan: $!";
    close($file);

    return;
}


# The first byte last: nobody reads half of it.

sub plan {
    my ($self, $text) = @_;

    $self->clear;
    $self->{plans} += 2;          # the odd ones are those of "dead"
    $self->_put(AT_COUNTS, pack("Q3", ($self->{plans} & 0xffff) << 48));
    $self->_put(1, substr("$text\n", 1) . "\0");
    $self->_put(0, substr($text, 0, 1));

    return $self;
}


sub clear {
    my ($self) = @_;

    $self->_put(0, "\0");

    return $self;
}


sub _count {
    my ($self, $n) = @_;

    return (unpack("Q2", substr(slurp($self->{plan}), AT_COUNTS, 16)))[$n];
}


sub calls { return $_[0]->_count(0) & 0xffffffff }
sub hits  { return $_[0]->_count(1) }


sub clock {
    my ($self, $sec) = @_;

    $self->_put(AT_CLOCK, sprintf("%d\n\0", $sec * 1000));

    return $self;
}


sub _environment {
    my ($self) = @_;

    # AddressSanitizer wants to be loaded first.
    chomp(my $asan = is_sanitized() ? `gcc -print-file-name=libasan.so` : "");

    return (
        EHR_FAULT_DIR   => $self->{dir},
        EHR_FAULT_PLAN  => $self->{plan},
        EHR_FAULT_TRACE => $self->{trace},
        LD_PRELOAD      => join(":", $asan || (), $ENV{LD_PRELOAD} || (),
                                build() . "/t/fault/fault.so"),
    );
}


sub set_environment {
    my ($self) = @_;

    %ENV = (%ENV, $self->_environment);

    return;
}


sub run_with {
    my ($self, $sub) = @_;

    local %ENV = (%ENV, $self->_environment);

    return $sub->();
}


sub journal {
    my (@command) = @_;

    my $ledger = ref $command[-1] ? ${pop @command} : "";
    my $pid = open2(my $out, my $in, build() . "/t/fault/journal", @command);

    # It reads all of it before it says much; one that finds no journal to
    # open ends before it reads.
    local $SIG{PIPE} = "IGNORE";
    print $in $ledger;
    close($in);

    local $/;
    my $said = <$out>;
    waitpid($pid, 0);

    return ($?, defined $said ? $said : "");
}


1;
