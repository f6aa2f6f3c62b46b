# SPDX-License-Identifier: BSD-2-Clause

package EHR::Idle;

# What a connection costs that nobody uses: many of them, each with a client
# certificate and one request behind it, kept alive.
#
#   my $bytes = EHR::Idle::bytes_each(
#       port => $port, pki => $pki, cert => "99001", workers => [ @pids ],
#       connections => 1000, headers => "Authorization: ...\r\n");
#                        # private memory of the workers, for one connection

use strict;
use warnings;

use IO::Socket::SSL;

use EHR::Util qw(limit slurp);

use constant {
    WARM_SHARE => 5,        # first so many for a hundred, to fill what is kept
    ANSWER_SEC => 30,
};


sub bytes_each {
    my (%o) = @_;

    my $ctx = IO::Socket::SSL::SSL_Context->new(
        SSL_ca_file     => "$o{pki}/server-ca.pem",
        SSL_cert_file   => "$o{pki}/$o{cert}.pem",
        SSL_key_file    => "$o{pki}/$o{cert}.key",
        SSL_verify_mode => SSL_VERIFY_PEER,
    ) or die "no TLS context: $SSL_ERROR";

    # What the first ones make the server allocate stays with it.
    $_->close for _open(\%o, $ctx, $o{connections} * WARM_SHARE / 100);

    my $before = _private_kb(@{$o{workers}});
    my @idle = _open(\%o, $ctx, $o{connections});
    my $after = _private_kb(@{$o{workers}});

    $_->close for @idle;

    return ($after - $before) * 1024 / $o{connections};
}


sub _open {
    my ($o, $ctx, $n) = @_;

    return map { _one($o, $ctx) } 1 .. $n;
}


sub _one {
    my ($o, $ctx) = @_;

    my $socket = IO::Socket::SSL->new(
        PeerAddr            => "127.0.0.1",
        PeerPort            => $o->{port},
        SSL_reuse_ctx       => $ctx,
        SSL_hostname        => "localhost",
        SSL_verifycn_name   => "localhost",
        SSL_verifycn_scheme => "http",
        Timeout             => limit(ANSWER_SEC),
    ) or die "no connection: $SSL_ERROR";

    print $socket "GET /v1/documents HTTP/1.1\r\nHost: localhost\r\n"
                  . ($o->{headers} || "") . "\r\n";

    my $answer = "";

    while ($answer !~ /\r\n\r\n/) {
        sysread($socket, $answer, 4096, length $answer)
            or die "the connection was closed";
    }

    return $socket;
}


sub _private_kb {
    my (@pids) = @_;

    my $kb = 0;

    for my $pid (@pids) {
        my ($private) = slurp("/proc/$pid/smaps_rollup")
                        =~ /^Private_Dirty:\s+(\d+)/m;
        $kb += $private;
    }

    return $kb;
}


1;
