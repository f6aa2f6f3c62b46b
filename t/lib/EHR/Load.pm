# SPDX-License-Identifier: BSD-2-Clause

package EHR::Load;

# Load on a world by build/ehr-load (t/bench), and its ledger read back.
#
#   my $load = EHR::Load->new($world,
#       facilities  => [ qw(99001 99002) ],    # enrolled before
#       claim       => { only => ["XML1"] },    # for EHR::Document->claim
#       options     => [ "--connections", 20, "--requests", 4000 ],
#   );
#   $load->start;                 # in the background
#   $load->is_running;
#   my $result = $load->wait;     # what --json prints; dies without any
#   $load->status                 # exit status: 0 when every answer was right
#   my @answers = $load->ledger;  # { key, sha256, status, id, is_duplicate }

use strict;
use warnings;

use JSON::PP ();
use POSIX ();
use Time::HiRes qw(sleep);

use EHR::Document;
use EHR::Util qw(build slurp spew);

my $made = 0;


sub new {
    my ($class, $world, %o) = @_;

    $made++;

    return bless {
        world      => $world,
        facilities => [ "99001" ],
        claim      => {},
        options    => [],
        %o,
        base       => $world->dir . "/load.$made",
    }, $class;
}


sub start {
    my ($self) = @_;

    my $world = $self->{world};
    my $url = "https://127.0.0.1:" . $world->port("gateway")
              . "/v1/documents";

    my @command = (build() . "/ehr-load", "--json", "--fetch-token",
        "--ledger", "$self->{base}.ledger",
        "--ca", $world->pki . "/server-ca.pem",
        (map { $self->_sender($_) } @{$self->{facilities}}),
        @{$self->{options}}, $url);

    $self->{pid} = fork();
    die "cannot fork: $!" unless defined $self->{pid};

    if ($self->{pid} == 0) {
        open(STDOUT, ">", "$self->{base}.json");
        open(STDERR, ">", "$self->{base}.stderr");
        exec(@command) or POSIX::_exit(127);
    }

    return $self;
}


sub _sender {
    my ($self, $facility) = @_;

    my $template = "$self->{base}.$facility.xml";
    my $cert = $self->{world}->pki . "/$facility";
    my $claim = EHR::Document->claim(facility => $facility,
                                     %{$self->{claim}});

    spew($template, $claim->bytes);

    return ("--cert", "$cert.pem", "--key", "$cert.key", "--template",
            $template);
}


sub is_running {
    my ($self) = @_;

    return 0 unless $self->{pid};
    return 1 if waitpid($self->{pid}, POSIX::WNOHANG()) == 0;

    $self->{status} = $? >> 8 || $?;
    delete $self->{pid};

    return 0;
}


sub wait {
    my ($self) = @_;

    sleep(0.05) while $self->is_running;

    my $result = eval {
        JSON::PP->new->decode(slurp("$self->{base}.json"))
    };

    die "ehr-load: " . slurp("$self->{base}.stderr") unless $result;

    return $result;
}


sub status { return $_[0]{status} }


sub ledger {
    my ($self) = @_;

    my @answers;

    for my $line (split(/\n/, slurp("$self->{base}.ledger"))) {
        my %answer;

        (@answer{qw(key sha256 status id)}, my $mark) = split(/ /, $line);
        $answer{is_duplicate} = $mark eq "duplicate";
        push @answers, \%answer;
    }

    return @answers;
}


sub DESTROY {
    my ($self) = @_;

    local ($?, $!, $@);

    if ($self->{pid}) {
        kill("KILL", $self->{pid});
        waitpid($self->{pid}, 0);
    }

    return;
}


1;
