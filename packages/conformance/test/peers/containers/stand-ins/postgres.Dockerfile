FROM debian:trixie-slim
RUN printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod 0755 /usr/sbin/policy-rc.d \
	&& apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends postgresql-17 \
	&& rm -rf /var/lib/apt/lists/* /var/lib/postgresql/17 \
	&& ln -s /usr/lib/postgresql/17/bin/* /usr/local/bin/
COPY postgres-entrypoint.sh /entrypoint.sh
STOPSIGNAL SIGINT
ENTRYPOINT ["/bin/sh", "/entrypoint.sh"]
