"""What config.txt may say: its keys, the parameters of the base device tree, and what is read too early for an included file.

Sources: documentation/asciidoc/computers/config_txt/*.adoc (keys); the first entry of arch/arm/boot/dts/overlays/README in
raspberrypi/linux (parameters); raspberrypi/firmware#1332, #1810 (what an included file cannot say). New firmware brings new
keys, so that an unknown one is worth a look and no more.
"""

from __future__ import annotations

import re

_KEYS = """
    device_tree device_tree_address device_tree_end device_tree_overlay device_tree_param dtdebug dtoverlay dtparam gpio include
    arm_64bit arm_control arm_peri_high armstub auto_initramfs avoid_warnings boot_delay boot_delay_ms
    boot_load_flags boot_ramdisk bootcode_delay bootloader_update cmdline
    disable_commandline_tags disable_poe_fan disable_pvt disable_splash eeprom_write_protect enable_gic enable_jtag_gpio enable_rp1_uart
    enable_uart erase_eeprom fixup_file force_eeprom_read init_uart_baud init_uart_clock initramfs kernel kernel_address kernel_old
    kernel_watchdog_partition kernel_watchdog_timeout logging_level max_usb_current os_check os_prefix
    otg_mode overlay_prefix pciex4_reset power_force_3v3_pwm program_pubkey program_rpiboot_gpio ramfsaddr ramfsfile
    recovery_metadata recovery_reboot recovery_wait revoke_devkey sha256 start_debug start_file start_x uart_2ndstage
    upstream_kernel usb_max_current_enable
    arm_boost arm_freq arm_freq_min core_freq core_freq_min core_freq_fixed dvfs force_turbo gpu_freq gpu_freq_min h264_freq h264_freq_min
    hevc_freq hevc_freq_min initial_turbo isp_freq isp_freq_min never_over_voltage over_voltage over_voltage_avs over_voltage_avs_boost
    over_voltage_delta over_voltage_min over_voltage_sdram over_voltage_sdram_c over_voltage_sdram_i over_voltage_sdram_p sdram_freq
    sdram_freq_min temp_limit temp_soft_limit v3d_freq v3d_freq_min
    cma_hwm cma_lwm cma_offline_start disable_l2cache gpu_mem gpu_mem_1024 gpu_mem_256 gpu_mem_512 total_mem
    audio_pwm_mode audio_sdm_mod_order audio_sdm_quant audio_sdm_dither disable_audio_dither enable_audio_dither pwm_sample_bits
    awb_auto_is_greyworld camera_auto_detect csi2_awb disable_camera_led start_x
    config_hdmi_boost disable_fw_kms_setup disable_overscan disable_touchscreen display_auto_detect display_default_lcd
    display_hdmi_rotate display_lcd_rotate display_rotate dispmanx_offline dpi_group dpi_mode dpi_output_format dpi_timings
    edid_content_type enable_dpi_lcd enable_tvout framebuffer_align framebuffer_aspect framebuffer_depth framebuffer_height
    framebuffer_height_max framebuffer_ignore_alpha framebuffer_priority framebuffer_swap framebuffer_width framebuffer_width_max
    hdmi_blanking hdmi_channel_map hdmi_clock_change_limit hdmi_cvt hdmi_drive hdmi_edid_file hdmi_edid_filename hdmi_enable_4kp60
    hdmi_force_cec_address hdmi_force_edid_3d hdmi_force_edid_audio hdmi_force_hotplug hdmi_force_mode hdmi_group hdmi_ignore_cec
    hdmi_ignore_cec_init hdmi_ignore_edid hdmi_ignore_edid_audio hdmi_ignore_hotplug hdmi_max_pixel_freq hdmi_mode
    hdmi_pixel_encoding hdmi_pixel_freq_limit hdmi_safe hdmi_timings ignore_lcd lcd_framerate lcd_rotate max_framebuffer_height
    max_framebuffer_width max_framebuffers overscan_bottom overscan_left overscan_right overscan_scale overscan_top scaling_kernel
    sdtv_aspect sdtv_disable_colourburst sdtv_mode test_mode decode_MPG2 decode_WVC1
"""
KEYS = frozenset(_KEYS.split())
"""Keys of config.txt."""

_EARLY = """
    bootcode_delay fixup_file gpu_mem gpu_mem_1024 gpu_mem_256 gpu_mem_512 sdram_freq start_debug start_file start_x total_mem
    uart_2ndstage
"""
EARLY_KEYS = frozenset(_EARLY.split())
"""Read by the first stage, which does not follow `include`."""

SPACED_KEYS = frozenset(("include", "initramfs", "ramfsfile"))
"""Written with a space instead of "="."""

_PARAM_NAMES = """
    act_led_activelow act_led_gpio act_led_trigger ant1 ant2 audio axiperf bdaddr button_debounce cam0_reg cam0_reg_gpio cam0_sync
    cam0_sync_inverted cam1_reg cam1_reg_gpio cam1_sync cam1_sync_inverted cooling_fan eee eth_downshift_after eth_led0 eth_led1
    eth_max_speed hdmi i2c i2c_arm i2c_arm_baudrate i2c_baudrate i2c_csi_dsi i2c_csi_dsi0 i2c_csi_dsi1 i2c_vc i2c_vc_baudrate i2s i2s_dma4
    krnbt krnbt_baudrate noant nvme nvmem_cust_rw nvmem_mac_rw nvmem_priv_rw pcie pcie_tperst_clk_ms pciex1 pciex1_gen pciex1_no_l0s
    pciex1_tperst_clk_ms pwr_led_activelow pwr_led_gpio pwr_led_trigger random rtc rtc_bbat_vchg sd sd_cqe sd_debug sd_force_pio
    sd_overclock sd_pio_limit sd_poll_once sdio_overclock spi spi_dma4 strict_gpiod suspend tx_lpi_timer uart0_console watchdog wifiaddr
    wifi_mac
"""
_PARAMS = frozenset(_PARAM_NAMES.split())
_PARAM_SHAPES = re.compile(r"i2c\d(_baudrate)?|uart\d|spi\d|fan_temp\d(_hyst|_speed)?|drm_fb\d_\w+|i2c\d_pins_\w+")


def is_base_param(name: str) -> bool:
    """Whether the base device tree has a parameter of this name, on some board."""
    return name in _PARAMS or _PARAM_SHAPES.fullmatch(name) is not None


def all_params() -> frozenset[str]:
    """The names a slip may have been meant for."""
    return _PARAMS
