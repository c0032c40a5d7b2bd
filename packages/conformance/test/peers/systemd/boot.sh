# What systemd finds when a machine boots, and an engine does not give: mounts that it may pass on, and control groups of its own.
set -e
mount --make-rshared /
mount -o remount,rw /sys
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec /sbin/init
