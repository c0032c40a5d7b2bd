"""Downloads targets through python-tuf's own client: MIRROR ROOT FOLDER TARGET...; prints the path of each."""

import os
import sys

from tuf.ngclient import Updater

mirror, root, folder, *targets = sys.argv[1:]
os.makedirs(os.path.join(folder, "targets"), exist_ok=True)
with open(root, "rb") as file:
    bootstrap = file.read()
updater = Updater(
    metadata_dir=os.path.join(folder, "metadata"),
    metadata_base_url=mirror,
    target_dir=os.path.join(folder, "targets"),
    target_base_url=mirror + "/targets",
    bootstrap=bootstrap,
)
updater.refresh()
for target in targets:
    info = updater.get_targetinfo(target)
    if info is None:
        sys.exit(f"no target {target}")
    print(updater.download_target(info))
