# A Debian that boots with systemd. It has no network later: what its reader installs has been downloaded.
FROM debian:trixie-slim
# Images of Debian delete what was downloaded, and start no services.
RUN rm -f /etc/apt/apt.conf.d/docker-* \
	&& printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod 0755 /usr/sbin/policy-rc.d \
	&& apt-get -qq update \
	&& DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes systemd systemd-sysv dbus \
	&& DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --download-only postgresql nginx-light ca-certificates libatomic1 libstdc++6 \
	&& rm -f /usr/sbin/policy-rc.d
COPY boot.sh /boot.sh
STOPSIGNAL SIGRTMIN+3
ENV container=docker DEBIAN_FRONTEND=noninteractive
ENTRYPOINT ["/bin/sh", "/boot.sh"]
