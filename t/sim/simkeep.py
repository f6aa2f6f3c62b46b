# SPDX-License-Identifier: BSD-2-Clause

"""What a partner simulator keeps: documents as files, byte for byte."""

import json
import os
import re


class Archive:
    """Documents as files; NAME.meta comes last, so it means NAME is whole."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        numbers = [re.match(r"(\d+)-", name) for name in os.listdir(folder)]
        self.last = max((int(n.group(1)) for n in numbers if n), default=0)

    def keep(self, data, meta):
        self.last += 1
        name = f"{self.last:08d}-{meta['sha256'][:16]}"
        self.write(name, data)
        self.write(name + ".meta", json.dumps(meta).encode())

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        hidden = os.path.join(self.folder, "." + name)
        with open(hidden, "wb", buffering=0) as file:
            file.write(data)
        os.rename(hidden, path)
