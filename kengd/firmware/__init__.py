"""The Raspberry Pi's boot partition: what it must say for this post (`fragment`), and what is wrong with what it says (`lint`).

Pure: texts in, texts and findings out. Sources are named by their path in the public repositories raspberrypi/documentation,
raspberrypi/linux and raspberrypi/firmware; firmware_config/README.md lists them.
"""
